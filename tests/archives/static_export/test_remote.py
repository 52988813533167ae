"""An archive at an Orthanc is exported as the built-in one is."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.archives.services import IncomingFile, store_files
from apps.projects.models import Project
from tests.archives import sides
from tests.archives.static_export.site import Site
from tests.archives.static_export.test_folder import export
from tests.archives.test_archive_command import run
from tests.dicom import ct_series

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Settings) -> None:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"


def test_both_sides_give_the_same_files(project: Project, site: Site, tmp_path: Path) -> None:
    written = ct_series(tmp_path / "source", slices=5)
    expected = Site(tmp_path / "built-in")
    for side, target in ((sides.built_in, expected), (sides.at_twin, site)):
        with side(project) as made:
            store_files(made.archive, [IncomingFile(path) for path in written.paths], by=None)
            assert "wrote 5 objects" in export(target)
    names = {name: content for name, (_, content) in expected.files().items()}
    assert {name: content for name, (_, content) in site.files().items()} == names


@pytest.mark.faults
def test_an_orthanc_that_is_gone_breaks_it_off_with_its_sentence(project: Project, site: Site, tmp_path: Path) -> None:
    written = ct_series(tmp_path / "source", slices=3)
    with sides.at_twin(project) as side:
        store_files(side.archive, [IncomingFile(path) for path in written.paths], by=None)
    _, err = run("export", "cardiac-mr", str(site.root))
    assert "does not answer" in err
    assert site.files() == {}
