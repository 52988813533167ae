"""Many small DICOM files, and how they get into a page: by choice of their folder, or dropped as a hand drops them."""

import re
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.dicom import ct_series

FILES_A_FOLDER = 500
DIGITS = 8


def write_many(folder: Path, count: int, *, size: int = 16) -> Path:
    """Writes `count` CT objects of size × size pixels under `folder`, 500 to a subfolder; they differ in their UID."""
    first = ct_series(folder.parent / f"{folder.name}-first", slices=1, rows=size, columns=size)
    template, uid = first.paths[0].read_bytes(), first.sop_instance_uids[0].encode()
    for number in range(count):
        own = uid[:-DIGITS] + f"{number:0{DIGITS}}".encode()
        path = folder / f"series-{number // FILES_A_FOLDER}" / f"{number:06}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(template.replace(uid, own))
    return folder


def choose_folder(page: Page, folder: Path) -> None:
    page.locator("[data-folder]").set_input_files(folder)


def drop(page: Page, path: Path) -> None:
    """Drops a file or folder of this machine, as the browser sees it when a person does."""
    target = page.locator("[data-drop]")
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box
    place = {"x": box["x"] + 20, "y": box["y"] + 20}
    protocol = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        protocol.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


def sentence(page: Page) -> Locator:
    return page.locator("[data-sentence]")


def wait_for_files(page: Page, at_least: int, *, timeout_ms: float = 60_000) -> None:
    """Until so many files of the upload have come to their end."""
    for _ in range(int(timeout_ms / 50)):
        figures = re.match(r"([\d,]+) of", page.locator("[data-figures]").inner_text())
        if figures and int(figures[1].replace(",", "")) >= at_least:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"fewer than {at_least} files: {page.locator('[data-now]').inner_text()}")


def expect_done(page: Page, text: str, *, timeout_ms: float = 90_000) -> None:
    expect(sentence(page)).to_have_text(text, timeout=timeout_ms)


def figures_of(page: Page) -> Iterator[int]:
    """The numbers in the sentence that the page ends with."""
    return (int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", sentence(page).inner_text()))
