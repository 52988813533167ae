"""`make screenshots`: every page, light and dark, wide and phone, into build/screenshots; and README's picture."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.shown import fill
from tests.browser.shown_page import Shown
from tests.portal import REPOSITORY, Portal, running_portal

WIDTHS = {"wide": 1440, "phone": 390}
THEMES = ("light", "dark")
FOLDER = REPOSITORY / "build" / "screenshots"
README_PICTURE = REPOSITORY / "docs" / "viewer.png"


def main() -> None:
    only = set(sys.argv[1:])
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name, running_portal(Path(name) / "var") as portal, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        state, pages = fill(portal, browser)
        for theme in THEMES:
            for size, width in WIDTHS.items():
                for shown in pages:
                    if not only or shown.name in only:
                        path = FOLDER / f"{shown.name}-{theme}-{size}.png"
                        _take(browser, portal, shown, state, path, theme=theme, width=width)
        browser.close()
    picture = FOLDER / "series-light-wide.png"
    if picture.exists():
        shutil.copy(picture, README_PICTURE)


def _take(
    browser: Browser, portal: Portal, shown: Shown, state: dict[str, str], path: Path, *, theme: str, width: int
) -> None:
    context = browser.new_context(
        base_url=portal.url,
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
        storage_state=None if shown.is_public else state,  # type: ignore[arg-type]
    )
    page = context.new_page()
    shown.open_in(page)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path, full_page=width < 1000)
    context.close()


if __name__ == "__main__":
    main()
