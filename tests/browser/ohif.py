"""OHIF in a browser: what its first viewport shows, whom it asked, and what its policy forbade it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, Page
from pydicom import dcmread

from apps.viewer import release
from tests.jobs.samples import SAMPLES, run_sample
from tests.portal import REPOSITORY
from tests.waiting import wait_until

# How many pixels of the viewport are drawn at all, and how many in colour: the images are grey, a mask is not. Its
# corners hold coloured lines and letters of their own kind.
CANVAS = """canvas => {
    const [width, height] = [canvas.width, canvas.height];
    const pixels = canvas.getContext("2d").getImageData(width / 4, height / 4, width / 2, height / 2).data;
    let drawn = 0, coloured = 0;
    for (let i = 0; i < pixels.length; i += 4) {
        const colour = [pixels[i], pixels[i + 1], pixels[i + 2]];
        drawn += colour[1] > 40;
        coloured += Math.max(...colour) - Math.min(...colour) > 40;
    }
    return { drawn, coloured };
}"""
TIMEOUT_SECONDS = 90
RELEASE = release.folder_in(REPOSITORY / "ohif")
needs_ohif = pytest.mark.skipif(not RELEASE.is_dir(), reason="OHIF is not fetched: make viewer")


@dataclass
class Ohif:
    page: Page
    asked: list[str] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)

    def shows(self, condition: Callable[[dict[str, int]], bool]) -> None:
        """Waits until what is drawn fulfils the condition."""
        canvas = self.page.locator("canvas.cornerstone-canvas").first
        canvas.wait_for()
        wait_until(lambda: condition(canvas.evaluate(CANVAS)), TIMEOUT_SECONDS)

    def asked_only(self, origin: str) -> bool:
        return {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, self.asked) if parts.netloc} == {origin}


@contextmanager
def opened(browser: Browser, origin: str, **options: Any) -> Iterator[Ohif]:
    """A browser's window in which OHIF will be opened; `options` are those of Playwright's new_context."""
    context = browser.new_context(base_url=origin, viewport={"width": 1400, "height": 900}, **options)
    context.set_default_timeout(TIMEOUT_SECONDS * 1000)
    ohif = Ohif(context.new_page())
    context.on("request", lambda request: ohif.asked.append(request.url))
    context.on("console", lambda line: ohif.forbidden.append(line.text) if "Content Security" in line.text else None)
    yield ohif
    context.close()


def head_ct_and_bones(folder: Path) -> list[Path]:
    """The files of a series of a real scanner, and last the segmentation of its bones."""
    with ZipFile(SAMPLES / "images" / "head-ct.zip") as archive:
        archive.extractall(folder / "in")
    images = sorted((folder / "in").rglob("*.dcm"))
    (folder / "out").mkdir()
    series = dcmread(images[0], stop_before_pixels=True).SeriesInstanceUID
    done = run_sample("threshold-segmentation", folder / "in", folder / "out", series)
    assert done.returncode == 0, done.stderr
    return [*images, *(folder / "out").rglob("*.dcm")]
