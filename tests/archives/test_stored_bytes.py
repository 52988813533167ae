"""What the built-in store takes: little more than what was sent."""

from pathlib import Path

from django.conf import settings

from apps.accounts.models import User
from apps.archives.models import Archive, Instance, Series
from apps.archives.services import IncomingFile, rebuild_metadata, store_files
from tests.dicom import ct_series

MOST = 1.05


def test_a_series_takes_at_most_a_twentieth_more_than_its_files(archive: Archive, alice: User, tmp_path: Path) -> None:
    """With its metadata file and with what the index has of each object."""
    paths = ct_series(tmp_path / "source", slices=20, rows=256, columns=256).paths
    sent = sum(path.stat().st_size for path in paths)
    results = store_files(archive, [IncomingFile(path) for path in paths], by=alice)
    assert not any(result.is_refused for result in results)
    rebuild_metadata(Series.objects.select_related("study").get())
    root = settings.ARCHIVES_DIR / str(archive.pk)
    files = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    rows = sum(len(one.metadata) + len(one.frames) + len(one.attributes) for one in Instance.objects.all())
    assert sent < files < files + rows <= MOST * sent
