"""An export that is killed anywhere: nothing half is seen, and the next one ends where an undisturbed one does."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.archives import removal
from apps.archives.models import Archive, Instance
from apps.archives.static_export import exporting
from apps.archives.static_export.folder import FolderTarget
from apps.archives.static_export.resources import Resource
from tests.archives.dicomweb import Service
from tests.archives.static_export.site import Site
from tests.archives.static_export.test_folder import export
from tests.dicom import ct_series
from tests.killing import exit_of_child

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


class DyingTarget(FolderTarget):
    """Kills the process in the middle of writing the file of that number."""

    def __init__(self, root: Path, last: int) -> None:
        super().__init__(root)
        self._left = last

    def put(self, resource: Resource) -> None:
        self._left -= 1
        if self._left:
            super().put(resource)
        else:
            super().put(Resource(resource.path, resource.form, _dying()))


def _dying() -> Iterator[bytes]:
    yield b"the beginning"
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("last", [1, 2, 5, 11, 18, 19, 20, 26])
def test_after_a_kill_the_next_one_goes_on(
    service: Service, archive: Archive, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    service.store_files(ct_series(tmp_path / "source", slices=6).paths)
    monkeypatch.setattr(exporting, "BATCH", 2)
    whole = Site(tmp_path / "whole")
    export(whole)
    expected = {name: content for name, (_, content) in whole.files().items()}

    def work() -> None:
        exporting.export(archive, DyingTarget(site.root, last), tell=lambda progress: None)

    assert exit_of_child(work) == -signal.SIGKILL
    left = {name: content for name, (_, content) in site.files().items()}
    assert left.items() < expected.items()
    finished = export(site)
    assert {name: content for name, (_, content) in site.files().items()} == expected
    # Each object has three files. What is noted is not written again; a batch is noted when the next one begins.
    written = int(finished.split("wrote ")[1].split()[0])
    assert written <= 6 - 2 * min((last - 2) // 6, 2)
    assert not list((site.root / ".export" / "unfinished").iterdir())


class ForgetfulTarget(FolderTarget):
    """Kills the process when it has removed something."""

    def remove(self, path: str) -> None:
        super().remove(path)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("remaining", [0, 2])
def test_what_was_removed_by_a_killed_one_and_came_back_is_there_again(
    service: Service, archive: Archive, site: Site, tmp_path: Path, remaining: int
) -> None:
    paths = ct_series(tmp_path / "source", slices=3).paths
    service.store_files(paths)
    export(site)
    expected = {name: content for name, (_, content) in site.files().items()}
    removal.remove(archive, list(Instance.objects.values_list("pk", flat=True)[remaining:]))

    def work() -> None:
        exporting.export(archive, ForgetfulTarget(site.root), tell=lambda progress: None)

    assert exit_of_child(work) == -signal.SIGKILL
    assert len(site.files()) < len(expected)
    service.store_files(paths)
    export(site)
    assert {name: content for name, (_, content) in site.files().items()} == expected
