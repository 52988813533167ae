"""The viewer of a series under the hands: a film, inverted, enlarged, moved, by keys and fingers; failures are said."""

import re
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.datasets.uploads.services import import_files
from tests.archives.dicom_files import path_of
from tests.browser.conftest import OpenAs, session_cookie
from tests.dicom import WrittenSeries, ct_series

pytestmark = pytest.mark.browser

SLICES = 12
# How bright what is drawn is on average, from 0 to 255.
BRIGHTNESS = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 4) sum += pixels[i];
    return sum / (pixels.length / 4);
}"""
SWIPE = """async (stage, [fingers, steps]) => {
    const { left, top, width, height } = stage.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const tell = (type, id, dx, dy) => stage.dispatchEvent(new PointerEvent(type, {
        pointerId: id, pointerType: "touch", clientX: x + dx, clientY: y + dy, bubbles: true, cancelable: true }));
    stage.setPointerCapture = () => {}; // there is no real finger
    for (let id = 0; id < fingers; id += 1) tell("pointerdown", id, id ? 20 : -20, 0);
    for (let step = 1; step <= steps; step += 1) {
        if (fingers === 1) tell("pointermove", 0, -20, step * 8);
        else for (let id = 0; id < 2; id += 1) tell("pointermove", id, (id ? 1 : -1) * (20 + step * 10), 0);
    }
    for (let id = 0; id < fingers; id += 1) tell("pointerup", id, 0, 0);
}"""


@pytest.fixture
def ct(archive: Archive, alice: User, tmp_path: Path) -> WrittenSeries:
    made = ct_series(tmp_path / "ct", slices=SLICES, rows=64, columns=64)
    assert not import_files(archive, made.paths, by=alice).refused
    return made


@pytest.fixture
def viewer(open_as: OpenAs, vera: User, ct: WrittenSeries) -> Page:
    page = open_as(vera).new_page()
    page.goto(address_of(ct))
    expect(stage_of(page)).to_be_visible()
    return page


@pytest.fixture
def troubled(browser: Browser, live_server: LiveServer, vera: User, ct: WrittenSeries) -> Iterator[Page]:
    """A viewer whose console may tell of images that did not come."""
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([session_cookie(vera, live_server.url)])
    page = context.new_page()
    page.goto(address_of(ct))
    expect(stage_of(page)).to_be_visible()
    yield page
    context.close()


def address_of(series: WrittenSeries) -> str:
    return f"/projects/cardiac-mr/data/series/{series.series_instance_uid}/"


def stage_of(page: Page) -> Locator:
    return page.get_by_role("slider", name="Slices of")


def brightness(page: Page) -> float:
    return float(page.locator("[data-stage] canvas").evaluate(BRIGHTNESS))


def expect_brightness(page: Page, low: float, high: float) -> None:
    for _ in range(100):
        if low < brightness(page) < high:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"the canvas stayed at {brightness(page)}")


def test_a_film_plays_as_fast_as_asked_and_stops(viewer: Page) -> None:
    stage = stage_of(viewer)
    viewer.get_by_label("Speed").select_option("30")
    stage.press(" ")
    button = viewer.get_by_role("button", name="Pause")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(stage).not_to_have_attribute("aria-valuenow", "1")
    button.click()
    expect(viewer.get_by_role("button", name="Play")).to_have_attribute("aria-pressed", "false")
    stopped = stage.get_attribute("aria-valuenow")
    viewer.wait_for_timeout(300)
    assert stage.get_attribute("aria-valuenow") == stopped


def test_inverted_is_the_negative(viewer: Page) -> None:
    expect_brightness(viewer, 1, 254)
    before = brightness(viewer)
    stage_of(viewer).press("i")
    expect_brightness(viewer, 254 - before, 256 - before)
    viewer.get_by_role("button", name="Invert").click()
    expect_brightness(viewer, before - 1, before + 1)


def test_usual_windows_of_ct_and_its_whole_range(viewer: Page) -> None:
    for name, window in (("Subdural", "W 215 L 75"), ("Liver", "W 150 L 90"), ("Whole range", "W 4096 L 1024")):
        viewer.get_by_role("button", name=name).click()
        expect(viewer.locator("[data-window]")).to_have_text(window)
        expect(viewer.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    expect(viewer.get_by_role("button", name="As stored")).to_have_attribute("aria-pressed", "false")


def test_enlarged_moved_and_back(viewer: Page) -> None:
    zoom, canvas = viewer.locator("[data-zoom]"), viewer.locator("[data-stage] canvas")
    for _ in range(4):
        viewer.get_by_role("button", name="Larger").click()
    expect(zoom).to_have_text("244 %")
    placed = canvas.evaluate("canvas => canvas.style.transform")
    viewer.get_by_role("button", name="Move").click()
    drag(viewer, 40, 10)
    assert canvas.evaluate("canvas => canvas.style.transform") != placed
    expect(viewer.locator("[data-window]")).to_have_text("W 400 L 40")
    stage_of(viewer).press("0")
    expect(zoom).to_have_text("")


def drag(page: Page, right: int, down: int) -> None:
    box = stage_of(page).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 100 + right, box["y"] + 100 + down)
    page.mouse.up()


def test_ctrl_and_wheel_enlarge_about_the_mouse(viewer: Page) -> None:
    stage_of(viewer).hover()
    viewer.keyboard.down("Control")
    viewer.mouse.wheel(0, -100)
    viewer.keyboard.up("Control")
    expect(viewer.locator("[data-zoom]")).to_have_text("165 %")
    expect(stage_of(viewer)).to_have_attribute("aria-valuenow", "1")


def test_a_drag_may_go_through_the_slices(viewer: Page) -> None:
    viewer.get_by_role("button", name="Slices").click()
    drag(viewer, 0, 33)
    expect(stage_of(viewer)).to_have_attribute("aria-valuenow", "5")


def test_one_finger_scrolls_and_two_enlarge(viewer: Page) -> None:
    stage = stage_of(viewer)
    stage.evaluate(SWIPE, [1, 3])
    expect(stage).to_have_attribute("aria-valuenow", "4")
    stage.evaluate(SWIPE, [2, 4])
    expect(viewer.locator("[data-zoom]")).to_have_text("300 %")
    expect(stage).to_have_attribute("aria-valuenow", "4")


def test_the_slice_stands_in_the_address_and_leads_to_its_attributes(viewer: Page, ct: WrittenSeries) -> None:
    stage_of(viewer).press("End")
    viewer.wait_for_url(re.compile(rf"\?frame={SLICES}$"))
    viewer.reload()
    expect(stage_of(viewer)).to_have_attribute("aria-valuenow", str(SLICES))
    viewer.get_by_role("link", name="Attributes", exact=True).click()
    expect(viewer.get_by_role("main")).to_contain_text(pydicom.dcmread(ct.paths[-1]).SOPInstanceUID)


@pytest.mark.faults
def test_a_lost_slice_is_said_in_its_place_and_the_others_go_on(troubled: Page, ct: WrittenSeries) -> None:
    lost = Instance.objects.select_related("series__study").get(sop_instance_uid=ct.sop_instance_uids[-1])
    path_of(lost).unlink()
    stage_of(troubled).press("End")
    expect(troubled.locator("[data-trouble]")).to_contain_text(f"Slice {SLICES} could not be shown. ")
    expect(troubled.locator("[data-trouble]")).to_contain_text("lost this object")
    stage_of(troubled).press("Home")
    expect(troubled.locator("[data-trouble]")).to_have_text("")
    expect_brightness(troubled, 1, 254)


@pytest.mark.faults
def test_without_a_connection_the_viewer_says_so_and_comes_back(troubled: Page) -> None:
    def cut(route: Route) -> None:
        route.abort()

    troubled.route("**/rendered*", cut)
    troubled.get_by_role("button", name="Lung").click()
    expect(troubled.locator("[data-trouble]")).to_contain_text("The portal does not answer.")
    troubled.unroute("**/rendered*", cut)
    stage_of(troubled).press("ArrowDown")
    expect(troubled.locator("[data-trouble]")).to_have_text("")


def test_on_a_phone_the_whole_viewer_is_reached(open_as: OpenAs, vera: User, ct: WrittenSeries) -> None:
    page = open_as(vera, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    page.goto(address_of(ct))
    expect(stage_of(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Bone", exact=True).tap()
    expect(page.locator("[data-window]")).to_have_text("W 1800 L 400")
    page.get_by_role("button", name="Larger").tap()
    expect(page.locator("[data-zoom]")).to_have_text("125 %")
