"""The pages of studies and series lead to OHIF where it is."""

from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.datasets.uploads.services import import_files
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries, ct_series

DATA = "/projects/cardiac-mr/data/"


@pytest.fixture
def series(archive: Archive, alice: User, tmp_path: Path) -> WrittenSeries:
    ct = ct_series(tmp_path / "ct", slices=1)
    import_files(archive, ct.paths, by=alice)
    return ct


def pages(series: WrittenSeries) -> tuple[str, str]:
    return f"{DATA}studies/{series.study_instance_uid}/", f"{DATA}series/{series.series_instance_uid}/"


def test_a_study_and_a_series_open_in_ohif(ohif: Path, series: WrittenSeries, client_of: ClientOf, vera: User) -> None:
    of_study, of_series = (client_of(vera).get(page).content.decode() for page in pages(series))
    address = f"/viewer/viewer/cardiac-mr?StudyInstanceUIDs={series.study_instance_uid}"
    assert f'href="{address}">' in of_study
    assert f'href="{address}&amp;initialSeriesInstanceUID={series.series_instance_uid}">' in of_series


def test_from_another_archive_they_open_that(
    ohif: Path, archive: Archive, alice: User, client_of: ClientOf, tmp_path: Path
) -> None:
    second = Archive.objects.create(project=archive.project, name="research")
    ct = ct_series(tmp_path / "ct", slices=1)
    import_files(second, ct.paths, by=alice)
    page = client_of(alice).get(f"{pages(ct)[0]}?archive=research").content.decode()
    assert f'href="/viewer/viewer/cardiac-mr~research?StudyInstanceUIDs={ct.study_instance_uid}">' in page


def test_without_ohif_no_page_leads_there(
    no_ohif: None, series: WrittenSeries, client_of: ClientOf, admin: User
) -> None:
    for page in pages(series):
        assert "/viewer/" not in client_of(admin).get(page).content.decode()
