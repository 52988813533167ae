"""What is acknowledged is on the disk."""

import os
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import IncomingFile, store_files
from tests.dicom import ct_series


def test_bytes_are_lasting_before_they_have_a_name(
    archive: Archive, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = ct_series(tmp_path / "source", slices=20).paths
    files = {path.stat().st_ino for path in written}
    order: list[tuple[str, int]] = []
    sync, link = os.fsync, os.link

    def synced(descriptor: int) -> None:
        sync(descriptor)
        order.append(("synced", os.fstat(descriptor).st_ino))

    def named(source: Path, destination: Path) -> None:
        order.append(("named", source.stat().st_ino))
        link(source, destination)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", named)
    store_files(archive, [IncomingFile(path) for path in written], by=alice)
    assert set(order[:20]) == {("synced", inode) for inode in files}
    assert set(order[20:40]) == {("named", inode) for inode in files}
    # And then the folders in which the names are.
    assert {what for what, _ in order[40:]} == {"synced"}
    assert len(order) > 40
