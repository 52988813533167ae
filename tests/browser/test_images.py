"""Images in a browser: files are dropped in, looked through, and seen under their masks; with scripts and without."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.datasets.uploads.services import import_files
from tests.browser.conftest import OpenAs
from tests.dicom import WrittenSeries, ct_series
from tests.jobs.samples import run_sample

pytestmark = pytest.mark.browser

IMAGES = "/projects/cardiac-mr/data/"
# How many pixels of the canvas are coloured, and how bright it is: the images are grey, a mask is not.
CANVAS = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let coloured = 0, bright = 0;
    for (let i = 0; i < pixels.length; i += 4) {
        const colour = [pixels[i], pixels[i + 1], pixels[i + 2]];
        coloured += Math.max(...colour) - Math.min(...colour) > 40;
        bright += colour[1];
    }
    return { coloured, bright };
}"""


@pytest.fixture
def ct(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "folder" / "ct", slices=6, rows=64, columns=64)


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> tuple[WrittenSeries, list[Path]]:
    """A series and the files of its segmentation."""
    ct = ct_series(tmp_path_factory.mktemp("ct"), slices=6, rows=64, columns=64)
    output = tmp_path_factory.mktemp("out")
    done = run_sample("threshold-segmentation", ct.directory, output, ct.series_instance_uid)
    assert done.returncode == 0, done.stderr
    return ct, list(output.rglob("*.dcm"))


@pytest.fixture
def with_mask(archive: Archive, alice: User, segmented: tuple[WrittenSeries, list[Path]]) -> WrittenSeries:
    ct, segmentation = segmented
    assert not import_files(archive, [*ct.paths, *segmentation], by=alice).refused
    return ct


@pytest.fixture
def bobs(open_as: OpenAs, archive: Archive, bob: User) -> Page:
    return open_as(bob).new_page()


@pytest.fixture
def bobs_plain(open_as: OpenAs, archive: Archive, bob: User) -> Page:
    return open_as(bob, java_script_enabled=False).new_page()


def series_page(series: WrittenSeries) -> str:
    return f"{IMAGES}series/{series.series_instance_uid}/"


def stage_of(page: Page) -> Locator:
    return page.get_by_role("slider", name="Slices of")


def expect_canvas(page: Page, condition: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """Waits until what is drawn fulfils the condition."""
    for _ in range(100):
        seen: dict[str, int] = page.locator("[data-stage] canvas").evaluate(CANVAS)
        if condition(seen):
            return seen
        page.wait_for_timeout(50)
    raise AssertionError(f"the canvas stayed at {seen}")


def test_a_folder_goes_in_and_what_is_no_image_is_named(bobs: Page, ct: WrittenSeries) -> None:
    (ct.directory / "notes.txt").write_text("not an image")
    bobs.goto(IMAGES)
    bobs.locator("[data-folder]").set_input_files(ct.directory.parent)
    expect(bobs.locator("[data-sentence]")).to_have_text("Done: 6 images stored, 1 file not taken.")
    expect(bobs.get_by_role("list", name="Files that were not taken")).to_contain_text("notes.txt")
    bobs.get_by_role("link", name="See the images").click()
    expect(bobs.get_by_role("main")).to_contain_text("1 study")


def test_files_that_are_dropped_go_in(bobs: Page, ct: WrittenSeries) -> None:
    bobs.goto(IMAGES)
    drop(bobs, ct.paths[0])
    expect(bobs.locator("[data-sentence]")).to_have_text("Done: 1 image stored.")
    drop(bobs, ct.paths[0])
    expect(bobs.locator("[data-sentence]")).to_have_text("Done: 0 images stored, 1 already there.")


def drop(page: Page, path: Path) -> None:
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        [path.name, list(path.read_bytes())],
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": transfer})


def test_from_the_list_to_the_pictures(bobs: Page, with_mask: WrittenSeries) -> None:
    bobs.goto(IMAGES)
    bobs.get_by_role("link", name="Phantom, Test").click()
    assert width_of(bobs.locator("a.thumb img").first) > 0
    bobs.locator("a.thumb").first.click()
    expect(stage_of(bobs)).to_have_attribute("aria-valuetext", "Slice 1 of 6")
    expect_canvas(bobs, lambda seen: seen["bright"] > 0)


def test_keys_wheel_and_slider_move_through_the_stack(bobs: Page, with_mask: WrittenSeries) -> None:
    bobs.goto(series_page(with_mask))
    stage = stage_of(bobs)
    stage.focus()
    for key, number in (("End", "6"), ("ArrowUp", "5"), ("Home", "1"), ("PageDown", "6"), ("PageUp", "1")):
        bobs.keyboard.press(key)
        expect(stage).to_have_attribute("aria-valuenow", number)
    stage.hover()
    bobs.mouse.wheel(0, 100)
    expect(stage).to_have_attribute("aria-valuenow", "2")
    bobs.get_by_role("slider", name="Slice", exact=True).fill("4")
    expect(stage).to_have_attribute("aria-valuetext", "Slice 4 of 6")


def test_window_and_level_change_what_is_drawn(bobs: Page, with_mask: WrittenSeries) -> None:
    bobs.goto(series_page(with_mask))
    bobs.get_by_role("checkbox").uncheck()
    before = expect_canvas(bobs, lambda seen: seen["bright"] > 0 and not seen["coloured"])
    expect(bobs.locator("[data-window]")).to_have_text("W 400 L 40")
    bobs.get_by_role("button", name="Bone").click()
    expect(bobs.locator("[data-window]")).to_have_text("W 1800 L 400")
    expect_canvas(bobs, lambda seen: seen["bright"] != before["bright"])
    stage_of(bobs).hover()
    bobs.mouse.down()
    bobs.mouse.move(300, 300)
    bobs.mouse.up()
    expect(bobs.locator("[data-window]")).not_to_have_text("W 1800 L 400")
    bobs.get_by_role("button", name="As stored").click()
    expect_canvas(bobs, lambda seen: seen["bright"] == before["bright"])


def test_a_mask_is_shown_hidden_and_faded(bobs: Page, with_mask: WrittenSeries) -> None:
    bobs.goto(series_page(with_mask))
    expect(bobs.get_by_role("heading", name="Masks")).to_be_visible()
    expect_canvas(bobs, lambda seen: seen["coloured"] > 50)
    bobs.get_by_role("checkbox").uncheck()
    expect_canvas(bobs, lambda seen: seen["coloured"] == 0)
    bobs.get_by_role("checkbox").check()
    expect_canvas(bobs, lambda seen: seen["coloured"] > 50)
    bobs.get_by_role("slider", name=re.compile("Opacity")).fill("0")
    expect_canvas(bobs, lambda seen: seen["coloured"] == 0)


def test_a_series_has_one_button_to_run_something(bobs: Page, with_mask: WrittenSeries) -> None:
    bobs.goto(series_page(with_mask))
    expect(bobs.get_by_role("main")).to_contain_text("Nothing has run on this series.")
    expect(bobs.get_by_role("link", name="Run an algorithm")).to_have_count(1)


def test_without_scripts_the_form_uploads(bobs_plain: Page, ct: WrittenSeries) -> None:
    bobs_plain.goto(IMAGES)
    bad = ct.directory / "notes.txt"
    bad.write_text("not an image")
    bobs_plain.locator("[name=files]").set_input_files([*ct.paths, bad])
    bobs_plain.get_by_role("button", name="Upload").click()
    main = bobs_plain.get_by_role("main")
    expect(main).to_contain_text("6 images stored")
    expect(main).to_contain_text("notes.txt")
    bobs_plain.get_by_role("link", name="See the images").click()
    expect(main).to_contain_text("Phantom study")


def test_without_scripts_links_lead_through_the_stack(bobs_plain: Page, with_mask: WrittenSeries) -> None:
    bobs_plain.goto(series_page(with_mask))
    main = bobs_plain.get_by_role("main")
    for number in range(1, 6):
        expect(main).to_contain_text(f"Slice {number} of 6")
        assert width_of(bobs_plain.get_by_role("img", name=f"Slice {number} of 6")) == 64
        bobs_plain.get_by_role("link", name="Next").click()
    expect(bobs_plain.get_by_role("link", name="Next")).to_have_count(0)
    assert width_of(bobs_plain.locator("img.mask")) == 64
    bobs_plain.get_by_role("link", name=re.compile("Bone")).click()
    expect(bobs_plain.locator("img.mask")).to_have_count(0)
    expect(main).to_contain_text("Slice 6 of 6")


def width_of(image: Locator) -> int:
    expect(image).to_be_visible()
    return int(image.evaluate("image => image.decode().then(() => image.naturalWidth)"))


def test_viewers_look_and_do_not_upload(open_as: OpenAs, with_mask: WrittenSeries, vera: User) -> None:
    page = open_as(vera).new_page()
    page.goto(IMAGES)
    expect(page.get_by_text("Drop DICOM files")).to_have_count(0)
    page.goto(series_page(with_mask))
    expect_canvas(page, lambda seen: seen["bright"] > 0)
    expect(page.get_by_role("link", name="Run an algorithm")).to_have_count(0)
