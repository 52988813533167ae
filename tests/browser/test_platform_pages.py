"""Search by keyboard over every page; and search, audit and outbox without a script."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.models import Project
from tests.browser.conftest import OpenAs

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent || document.activeElement.type").strip())


@pytest.mark.parametrize("shortcut", ["Control+k", "Meta+k"])
def test_search_by_keyboard_alone(alice: User, project: Project, open_as: OpenAs, shortcut: str) -> None:
    page = open_as(alice).new_page()
    page.goto("/algorithms/")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog).to_be_hidden()
    page.keyboard.press(shortcut)
    expect(dialog).to_be_visible()
    assert focused(page) == "search"
    page.keyboard.type("card")
    expect(dialog.get_by_role("link", name="Cardiac mr")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "search"
    page.keyboard.press("ArrowDown")
    assert "Cardiac mr" in focused(page)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/projects/cardiac-mr/$"))


def test_the_dialog_closes_by_escape_and_gives_the_focus_back(alice: User, open_as: OpenAs) -> None:
    page = open_as(alice).new_page()
    page.goto("/")
    link = page.get_by_role("link", name="Search")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    link.click()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_enter_in_the_field_shows_all_hits_as_a_page(alice: User, project: Project, open_as: OpenAs) -> None:
    page = open_as(alice).new_page()
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("cardiac")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=cardiac$"))
    expect(page.get_by_role("main").get_by_role("link", name="Cardiac mr")).to_be_visible()


def test_search_without_a_script(alice: User, project: Project, open_as: OpenAs) -> None:
    page = open_as(alice, java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Words").fill("cardiac")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("main").get_by_role("link", name="Cardiac mr").click()
    expect(page.get_by_role("heading", level=1, name="Cardiac mr")).to_be_visible()


def test_the_audit_is_searched_and_exported_without_a_script(
    admin: User, alice: User, project: Project, open_as: OpenAs, tmp_path: Path
) -> None:
    page = open_as(admin, java_script_enabled=False).new_page()
    page.goto("/audit/")
    page.get_by_label("Project").fill("cardiac")
    page.get_by_label("Action").select_option("project.created")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as CSV").click()
    download.value.save_as(tmp_path / "audit.csv")
    lines = (tmp_path / "audit.csv").read_text().splitlines()
    assert len(lines) == 2
    assert "project.created,cardiac-mr" in lines[1]


def test_a_mail_is_sent_again_without_a_script(admin: User, open_as: OpenAs) -> None:
    Mail.objects.create(
        to="ida@uni.example",
        subject="Your project",
        status=Mail.Status.FAILED,
        last_error="The mail server said: 550 no",
    )
    page = open_as(admin, java_script_enabled=False).new_page()
    page.goto("/outbox/")
    expect(page.get_by_text("The mail server said: 550 no")).to_be_visible()
    page.get_by_role("button", name="Send “Your project” to ida@uni.example again").click()
    expect(page.get_by_text("The mail is sent again.")).to_be_visible()
    expect(page.get_by_role("button", name="again")).to_have_count(0)


def test_an_open_mail_turns_its_arrow_and_leaves_its_state_as_states_are(admin: User, open_as: OpenAs) -> None:
    Mail.objects.create(to="ida@uni.example", subject="Ready", status=Mail.Status.FAILED)
    page = open_as(admin).new_page()
    page.goto("/outbox/")
    mail = page.locator("details.mail[open] > summary")
    turned = "element => getComputedStyle(element).transform !== 'none'"
    assert mail.locator("> .icon").evaluate(turned)
    assert not mail.locator(".state .icon").evaluate(turned)
    colours = [mail.locator(part).evaluate("element => getComputedStyle(element).color") for part in (".state", "time")]
    assert colours[0] != colours[1]


@pytest.mark.parametrize("width", [320, 390, 768])
def test_on_a_phone_the_header_is_one_row_however_long_the_project_s_name(
    alice: User, project: Project, open_as: OpenAs, width: int
) -> None:
    Project.objects.update(name="A study of all that there is to be seen in hearts, and of what there is not")
    page = open_as(alice, viewport={"width": width, "height": 800}).new_page()
    page.goto("/projects/cardiac-mr/")
    parts = (".side-brand", ".switcher", ".search-link", ".person > summary")
    boxes = [page.locator(f".side {part}").bounding_box() for part in parts]
    centres = [box["y"] + box["height"] / 2 for box in boxes if box]
    assert len(centres) == len(parts)
    assert max(centres) - min(centres) < 2


@pytest.mark.parametrize("width", [390, 1440])
def test_figures_stand_below_their_headings(alice: User, project: Project, open_as: OpenAs, width: int) -> None:
    page = open_as(alice, viewport={"width": width, "height": 800}).new_page()
    page.goto("/projects/cardiac-mr/settings/")
    rows = page.locator("section[aria-labelledby=resources] tr").all()
    edges = [[_right_edge(cell) for cell in row.locator("th, td").all()] for row in rows]
    assert len(edges) == 5
    assert all(row == edges[0] for row in edges)


def _right_edge(cell: Locator) -> int:
    box = cell.bounding_box()
    assert box
    return round(box["x"] + box["width"])
