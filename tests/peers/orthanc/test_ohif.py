"""OHIF shows what a real Orthanc holds, through the portal: the browser knows neither its address nor its password."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.datasets.uploads.services import import_files
from tests.archives.sides import Remote
from tests.browser.conftest import session_cookie
from tests.browser.ohif import head_ct_and_bones, needs_ohif, opened

pytestmark = [needs_ohif, pytest.mark.peers, pytest.mark.timeout(300)]


def test_a_series_and_its_segmentation(
    remote: Remote, live_server: LiveServer, browser: Browser, alice: User, vera: User, tmp_path: Path
) -> None:
    assert not import_files(remote.archive, head_ct_and_bones(tmp_path), by=alice).refused
    series = remote.archive.series.get(modality="SEG")
    with opened(browser, live_server.url) as ohif:
        ohif.page.context.add_cookies([session_cookie(vera, live_server.url)])
        ohif.page.goto(f"/projects/cardiac-mr/data/series/{series.series_instance_uid}/")
        ohif.page.get_by_role("link", name="Open in OHIF").click()
        ohif.shows(lambda seen: seen["drawn"] > 10_000 and seen["coloured"] > 1000)
        assert ohif.asked_only(live_server.url)
        assert not ohif.forbidden
