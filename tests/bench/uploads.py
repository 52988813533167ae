"""A folder of 5,000 files chosen in Chromium, until the page says that all are in; and what web processes needed."""

import re
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.bench import figures
from tests.bench.memory import show_memory
from tests.bench.sides import portal_in
from tests.browser.steps import sign_in_as_administrator
from tests.browser.uploading import choose_folder, expect_done, sentence, write_many

COUNT, SIZE = 5000, 64
IMAGES = "/projects/sample/data/"
LONGEST_MS = 600_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="maia-bench-") as name, portal_in(Path(name)) as portal:
        folder = write_many(Path(name) / "study", COUNT, size=SIZE)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(base_url=portal.url)
            sign_in_as_administrator(portal, page)
            seconds = figures.seconds_of(lambda: _send(page, folder))
            figures.show(f"upload of {COUNT} files of {SIZE}x{SIZE} in Chromium", COUNT / seconds, "files/s")
            show_memory(portal, "while they came")
            again = figures.seconds_of(lambda: _find_them_in(page, folder))
            figures.show("the same files sent again", COUNT / again, "files/s")
            browser.close()


def _send(page: Page, folder: Path) -> None:
    page.goto(IMAGES)
    choose_folder(page, folder)
    expect_done(page, f"Done: {COUNT:,} images stored.", timeout_ms=LONGEST_MS)


def _find_them_in(page: Page, folder: Path) -> None:
    page.goto(IMAGES)
    choose_folder(page, folder)
    expect(sentence(page)).to_have_text(re.compile("already there"), timeout=LONGEST_MS)


if __name__ == "__main__":
    main()
