"""OHIF of the whole portal, as people reach it: through nginx."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.ohif import needs_ohif, opened
from tests.browser.shown import HEAD_CT
from tests.browser.steps import sign_in_as_administrator
from tests.peers.nginx import Nginx, running_nginx
from tests.peers.starting import LOOPBACK, throwaway_folder
from tests.portal import Portal, free_port

pytestmark = [needs_ohif, pytest.mark.peers, pytest.mark.timeout(300)]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[tuple[Portal, Nginx]]:
    """With the images of the sample project."""
    port = free_port()
    with throwaway_folder() as folder, running_nginx(folder, f"{LOOPBACK}:{port}") as nginx:
        running = Portal(tmp_path / "var", port, PUBLIC_URL=nginx.url, TRUSTED_PROXIES="1")
        try:
            yield running.start(), nginx
        finally:
            running.stop()


def test_a_series_is_drawn(portal: tuple[Portal, Nginx], browser: Browser) -> None:
    running, nginx = portal
    ((series,),) = running.rows(HEAD_CT)
    with opened(browser, nginx.url) as ohif:
        sign_in_as_administrator(running, ohif.page)
        ohif.page.goto(f"/projects/sample/data/series/{series}/")
        ohif.page.get_by_role("link", name="Open in OHIF").click()
        ohif.shows(lambda seen: seen["drawn"] > 10_000)
        assert ohif.asked_only(nginx.url)
        assert not ohif.forbidden
