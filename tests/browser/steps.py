"""What people do on the pages, as steps that browser tests share."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from playwright.sync_api import ConsoleMessage, Page, expect

from tests.dicom import WrittenSeries
from tests.portal import ADMINISTRATOR, Portal


class Mailbox(Protocol):
    """Where the portal's mails arrive."""

    def link_to(self, address: str, pattern: str) -> str:
        """The newest link of the portal that matches in the mails to this address; waits for it."""
        ...


PASSWORD = "correct horse battery 9"
LINK = r"/requests/\S+/"
INVITATION_LINK = r"/invitations/\S+/"
PASSWORD_LINK = r"/account/password/reset/key/\S+/"
# The images are grey, so colour on the canvas is the mask.
COLOURED_PIXELS = """() => {
    const canvas = document.querySelector("[data-stage] canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let coloured = 0;
    for (let i = 0; i < pixels.length; i += 4) {
        const colour = [pixels[i], pixels[i + 1], pixels[i + 2]];
        coloured += Math.max(...colour) - Math.min(...colour) > 40;
    }
    return coloured;
}"""


def is_error(line: ConsoleMessage) -> bool:
    # A page that is left aborts the request of a fragment, and htmx tells so as if it were an error.
    return line.type == "error" and not line.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/account/login/")
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def sign_in_as_administrator(portal: Portal, page: Page) -> None:
    """The first time the one-time password has to be changed."""
    sign_in(page, ADMINISTRATOR, PASSWORD)
    if page.url.endswith("/account/login/"):
        one_time = portal.one_time_password()
        sign_in(page, ADMINISTRATOR, one_time)
        page.goto("/approvals/")
        expect(page).to_have_url(re.compile("/account/password/change/"))
        page.locator("[name=oldpassword]").fill(one_time)
        page.locator("[name=password1]").fill(PASSWORD)
        page.locator("[name=password2]").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button").last.click()
    page.goto("/approvals/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Approvals")


def register(page: Page, email: str, namespace: str) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Register a project").click()
    fields = {
        "Your name": "Ida Berg",
        "E-mail address": email,
        "Affiliation": "Uppsala University",
        "Position": "Doctoral student",
        "Purpose": "Zonal segmentation of 600 studies.",
        "Project name": "Prostate bpMRI atlas",
        "Principal investigator": "Prof. Nils Ås",
        "E-mail of the principal investigator": "nils.as@uni.example",
        "Namespace": namespace,
        "Last day": str((datetime.now(UTC) + timedelta(days=365)).date()),
    }
    for label, value in fields.items():
        page.get_by_role("main").get_by_label(re.compile(rf"^{label}( optional)?$")).fill(value)
    page.get_by_label("I accept the terms").check()
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def confirm_address(portal: Mailbox, page: Page, email: str, decider: str = "An approver") -> None:
    page.goto(portal.link_to(email, LINK))
    page.get_by_role("button", name="Confirm my e-mail address").click()
    expect(page.get_by_role("main")).to_contain_text(f"{decider} has to decide")


def open_request(page: Page, namespace: str) -> None:
    page.goto("/approvals/")
    page.get_by_role("row").filter(has_text=namespace).get_by_role("link").click()


def approve(page: Page, namespace: str, **granted: str) -> None:
    """`granted` are values by the labels of their fields, where something else than what was asked is given."""
    open_request(page, namespace)
    for label, value in granted.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("main")).to_contain_text("pproved")


def expect_finished_steps(page: Page, has_scripts: bool) -> None:
    """With scripts the page follows along; without, the person looks again."""
    page.reload()
    if not has_scripts:
        wait_by_reloading(page, "Open the project")
    expect(page.get_by_role("link", name="Open the project")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("link to set your password")


def wait_by_reloading(page: Page, link: str) -> None:
    def is_there() -> bool:
        page.reload()
        return page.get_by_role("link", name=link).count() > 0

    wait_for(page, is_there)


def wait_for(page: Page, condition: Callable[[], bool]) -> None:
    """Looks again and again; the browser goes on between."""
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(300)
    raise AssertionError("did not come true within 30 s")


def set_password(portal: Portal, page: Page, email: str) -> None:
    page.goto(portal.link_to(email, PASSWORD_LINK))
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").last.click()
    sign_in(page, email, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")


def upload(page: Page, namespace: str, ct: WrittenSeries, has_scripts: bool) -> None:
    page.goto(f"/projects/{namespace}/")
    page.get_by_role("link", name="Upload images").first.click()
    bad = ct.directory.parent / "notes.txt"
    bad.write_text("not an image")
    if has_scripts:
        page.locator("[data-files]").set_input_files([*ct.paths, bad])
        expect(page.get_by_role("list", name="Files that were not taken")).to_contain_text("notes.txt")
        page.get_by_role("link", name="See the images").click()
    else:
        page.locator("[name=files]").first.set_input_files([*ct.paths, bad])
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("main")).to_contain_text("notes.txt")
        page.goto(f"/projects/{namespace}/data/")
    expect(page.get_by_role("main")).to_contain_text("1 study")


def look_at_the_images(page: Page, ct: WrittenSeries, has_scripts: bool) -> None:
    page.get_by_role("table").get_by_role("link", name="Phantom").first.click()
    page.locator("a.thumb").first.click()
    if has_scripts:
        stage = page.get_by_role("slider", name="Slices of")
        stage.focus()
        page.keyboard.press("End")
        expect(stage).to_have_attribute("aria-valuenow", str(len(ct.paths)))
    else:
        page.get_by_role("link", name="Next").click()
        expect(page.locator(".viewer-plain .stale").first).to_have_text("Slice 2 of 6")


def run_algorithm(page: Page, has_scripts: bool, algorithm: str = "Threshold segmentation") -> None:
    page.get_by_role("link", name="Run an algorithm").first.click()
    page.get_by_role("main").get_by_text(algorithm).first.click()
    page.get_by_role("main").get_by_role("button", name=re.compile("Start|Run|Launch")).click()
    expect(page).to_have_url(re.compile(r"/runs/\d+/$"))
    if not has_scripts:
        wait_by_reloading(page, "Open the result")
    expect(page.get_by_role("link", name="Open the result")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("main")).to_contain_text("Succeeded")


def see_the_mask(page: Page, has_scripts: bool) -> None:
    page.get_by_role("link", name="Open the result").click()
    if has_scripts:
        expect(page.get_by_role("heading", name="Masks")).to_be_visible()
        wait_for(page, lambda: page.evaluate(COLOURED_PIXELS) > 50)
    else:
        mask = page.locator("img.mask")
        expect(mask).to_be_visible()
        assert mask.evaluate("image => image.naturalWidth") == 64
