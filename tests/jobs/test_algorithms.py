"""The bundled packages as rows: read again at each start, never changed under a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.jobs import services
from apps.jobs.catalogue import PackageInvalid, digest_of
from apps.jobs.models import Algorithm
from tests.jobs.packages import install, write_package


def test_the_bundled_algorithms_are_read_once(db: None):
    for _ in range(2):
        services.sync_bundled()
    names = Algorithm.objects.order_by("name").values_list("name", "is_current")
    assert list(names) == [("measurements", True), ("threshold-segmentation", True)]


def test_other_files_make_another_version_and_back_again(db: None, settings, tmp_path: Path):
    first = install(settings, tmp_path, "print(1)")
    second = install(settings, tmp_path, "print(2)")
    assert first.pk != second.pk
    first.refresh_from_db()
    assert not first.is_current
    assert install(settings, tmp_path, "print(1)").pk == first.pk
    assert Algorithm.objects.filter(is_current=True).count() == 1


def test_a_package_that_is_gone_is_offered_no_more(db: None, settings, tmp_path: Path):
    algorithm = install(settings, tmp_path, "")
    settings.SAMPLES_DIR = tmp_path / "nothing"
    services.sync_bundled()
    algorithm.refresh_from_db()
    assert not algorithm.is_current


def test_the_digest_covers_the_modules_that_packages_share(tmp_path: Path):
    package = write_package(tmp_path, "import shared")
    before = digest_of(package)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"1")
    assert digest_of(package) == before
    (tmp_path / "shared.py").write_text("1")
    assert digest_of(package) != before


@pytest.mark.parametrize("content", ["name = ", 'name = "x"', 'name = "other"\nunknown = 1'])
def test_a_package_that_cannot_be_used_is_named(db: None, settings, tmp_path: Path, content: str):
    settings.SAMPLES_DIR = tmp_path
    (write_package(tmp_path, "") / "algorithm.toml").write_text(content)
    with pytest.raises(PackageInvalid, match=r"test-algorithm/algorithm\.toml"):
        services.sync_bundled()


def test_a_package_under_a_false_name_is_refused(db: None, settings, tmp_path: Path):
    settings.SAMPLES_DIR = tmp_path
    write_package(tmp_path, "").rename(tmp_path / "other")
    with pytest.raises(PackageInvalid, match="not that of its folder"):
        services.sync_bundled()
