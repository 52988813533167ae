"""OHIF on the built-in store: a real CT series, the segmentation that a run makes of it, and compressed images."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.archives.models import Archive, Series, StudyRead
from apps.datasets.uploads.services import import_files
from tests.archives.dicom_files import packaged
from tests.browser.conftest import session_cookie
from tests.browser.looked_at import problems_of
from tests.browser.ohif import Ohif, head_ct_and_bones, needs_ohif, opened

pytestmark = [needs_ohif, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def veras(browser: Browser, live_server: LiveServer, vera: User) -> Iterator[Ohif]:
    """Hers, who may look and not export. OHIF asks the portal alone, and its policy forbids it nothing."""
    with opened(browser, live_server.url) as ohif:
        ohif.page.context.add_cookies([session_cookie(vera, live_server.url)])
        yield ohif
        assert ohif.asked_only(live_server.url)
        assert not ohif.forbidden


@pytest.fixture(scope="module")
def head_ct(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return head_ct_and_bones(tmp_path_factory.mktemp("head"))


@pytest.fixture
def stored(archive: Archive, alice: User, head_ct: list[Path]) -> Archive:
    assert not import_files(archive, head_ct, by=alice).refused
    return archive


def data_page(series: Series) -> str:
    return f"/projects/cardiac-mr/data/series/{series.series_instance_uid}/"


def test_from_the_page_of_a_series_to_its_images_and_the_segmentation_over_them(veras: Ohif, stored: Archive) -> None:
    veras.page.goto(data_page(stored.series.get(modality="CT")))
    veras.page.get_by_role("link", name="Open in OHIF").click()
    veras.shows(lambda seen: seen["drawn"] > 10_000 and not seen["coloured"])
    veras.page.get_by_text("SEG", exact=True).first.dblclick()
    veras.shows(lambda seen: seen["coloured"] > 1000)
    assert set(StudyRead.objects.values_list("kind", flat=True)) == {StudyRead.Kind.VIEWED}


def test_what_is_in_another_archive_is_drawn_from_there(
    veras: Ohif, archive: Archive, alice: User, head_ct: list[Path]
) -> None:
    second = Archive.objects.create(project=archive.project, name="research")
    assert not import_files(second, head_ct, by=alice).refused
    veras.page.goto(f"{data_page(second.series.get(modality='SEG'))}?archive=research")
    veras.page.get_by_role("link", name="Open in OHIF").click()
    veras.shows(lambda seen: seen["coloured"] > 1000)
    assert "cardiac-mr~research" in veras.page.url


def test_a_segmentation_opens_over_its_images(veras: Ohif, stored: Archive) -> None:
    veras.page.goto(data_page(stored.series.get(modality="SEG")))
    veras.page.get_by_role("link", name="Open in OHIF").click()
    veras.shows(lambda seen: seen["coloured"] > 1000)


def test_a_session_that_has_ended_leads_to_sign_in(veras: Ohif, stored: Archive) -> None:
    veras.page.goto(data_page(stored.series.get(modality="CT")))
    veras.page.get_by_role("link", name="Open in OHIF").click()
    veras.shows(lambda seen: seen["drawn"] > 10_000)
    veras.page.context.clear_cookies()
    veras.page.locator("[data-cy=return-to-work-list]").click(position={"x": 5, "y": 10})
    expect(veras.page).to_have_url(re.compile(r"/account/login/\?next=/viewer/"), timeout=20_000)


def test_the_list_of_studies_has_them(veras: Ohif, stored: Archive) -> None:
    veras.page.goto("/viewer/")
    expect(veras.page.get_by_text("HEAD", exact=True)).to_be_visible()


def test_the_pages_in_its_place_can_be_read_by_all(
    veras: Ohif, live_server: LiveServer, settings: Settings, tmp_path: Path, admin: User
) -> None:
    page = veras.page
    page.goto("/viewer/")
    expect(page.get_by_role("main")).to_contain_text("There is nothing to look at")
    assert problems_of(page) == []
    settings.VIEWER_DIR = tmp_path
    page.context.add_cookies([session_cookie(admin, live_server.url)])
    page.goto("/viewer/")
    expect(page.get_by_role("main")).to_contain_text("make viewer")
    assert problems_of(page) == []


@pytest.mark.parametrize(
    "name",
    ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm"],
)
def test_compressed_images_are_drawn(veras: Ohif, archive: Archive, alice: User, name: str) -> None:
    assert not import_files(archive, [packaged(name)], by=alice).refused
    veras.page.goto(data_page(archive.series.get()))
    veras.page.get_by_role("link", name="Open in OHIF").click()
    veras.shows(lambda seen: seen["drawn"] > 1000)
