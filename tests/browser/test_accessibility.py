"""axe finds nothing on any page, light on a desk and dark on a phone; and no page is wider than the screen."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.looked_at import problems_of
from tests.browser.shown import fill
from tests.browser.shown_page import Shown
from tests.portal import Portal, running_portal

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def filled(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Portal, dict[str, str], list[Shown]]]:
    with running_portal(tmp_path_factory.mktemp("portal") / "var") as portal:
        yield (portal, *fill(portal, browser))


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_every_page(
    browser: Browser, filled: tuple[Portal, dict[str, str], list[Shown]], theme: str, width: int
) -> None:
    portal, state, pages = filled
    options: dict[str, Any] = {
        "base_url": portal.url,
        "color_scheme": theme,
        "viewport": {"width": width, "height": 900},
    }
    visitor, admin = browser.new_context(**options), browser.new_context(**options, storage_state=state)
    found = {}
    for shown in pages:
        page = (visitor if shown.is_public else admin).new_page()
        shown.open_in(page)
        found[shown.name] = problems_of(page)
        page.close()
    visitor.close()
    admin.close()
    assert {name: problems for name, problems in found.items() if problems} == {}
