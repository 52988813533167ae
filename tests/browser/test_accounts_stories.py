"""People look after their sign-in, and administrators after people: by plain forms, and with scripts; axe looks on."""

import time
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.projects.models import Project
from tests.browser.conftest import OpenAs
from tests.browser.looked_at import problems_of
from tests.browser.steps import sign_in
from tests.conftest import PASSWORD
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def at_work(open_as: OpenAs, admin: User, has_scripts: bool) -> Page:
    return open_as(admin, java_script_enabled=has_scripts).new_page()


def test_an_administrator_finds_a_person_gives_a_role_and_closes_the_account(
    at_work: Page, has_scripts: bool, project: Project, bob: User
) -> None:
    at_work.goto("/")
    at_work.get_by_label("Navigation").get_by_role("link", name="People").click()
    at_work.get_by_label("Name, address or affiliation").fill("bob")
    at_work.get_by_role("button", name="Show").click()
    expect(at_work.get_by_text("1 person found")).to_be_visible()
    at_work.get_by_role("link", name="Bob").click()
    if not has_scripts:
        at_work.get_by_role("link", name="Show the projects").click()
    expect(at_work.get_by_role("main").get_by_role("link", name=project.name)).to_be_visible()
    if not has_scripts:
        at_work.go_back()
    at_work.get_by_label("Role on the platform").select_option("Approver")
    at_work.get_by_role("button", name="Change the role").click()
    expect(at_work.get_by_text("Approver of the platform")).to_be_visible()
    at_work.get_by_role("button", name="Deactivate").click()
    expect(at_work.get_by_text("Nothing opens with this account.")).to_be_visible()
    at_work.get_by_role("button", name="Activate").click()
    expect(at_work.get_by_text("The account is active again.")).to_be_visible()
    bob.refresh_from_db()
    assert (bob.platform_role, bob.is_active) == ("approver", True)


def test_a_second_factor_is_set_up_used_and_the_browser_signed_out_everywhere(visitor: Page, alice: User) -> None:
    sign_in(visitor, alice.email, PASSWORD)
    visitor.goto("/account/")
    visitor.get_by_role("link", name="Set one up").click()
    visitor.get_by_role("link", name="Set it up").click()
    visitor.get_by_label("Password").fill(PASSWORD)
    visitor.get_by_role("button", name="Confirm").click()
    expect(visitor.get_by_alt_text("The key as a QR code")).to_be_visible()
    key = visitor.get_by_role("group", name="Key").inner_text()
    wait_until(lambda: time.time() % 30 < 20, 15)  # so that the code does not change while it is typed
    visitor.get_by_label("Code that the app shows").fill(format_hotp_value(hotp_value(key, int(time.time()) // 30)))
    visitor.get_by_role("button", name="Use it from now on").click()
    code = visitor.get_by_role("listitem").get_by_role("code").first.inner_text()
    visitor.get_by_role("link", name="I have kept them").click()
    expect(visitor.get_by_text("In use", exact=True)).to_be_visible()
    visitor.goto("/account/sessions/")
    visitor.get_by_role("button", name="Sign out everywhere").click()
    expect(visitor.get_by_text("You are signed out everywhere.")).to_be_visible()
    sign_in(visitor, alice.email, PASSWORD)
    expect(visitor.get_by_role("heading", name="Second factor")).to_be_visible()
    visitor.get_by_label("Code").fill(code)
    visitor.get_by_role("main").get_by_role("button", name="Sign in").click()
    visitor.goto("/account/")
    expect(visitor.get_by_role("link", name="In use")).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_axe_finds_nothing_and_no_page_is_too_wide(
    open_as: OpenAs, admin: User, alice: User, project: Project, tmp_path: Path, theme: str, width: int
) -> None:
    page = open_as(admin, color_scheme=theme, viewport={"width": width, "height": 900}).new_page()
    found = {}
    for name, path in {
        "people": "/people/",
        "nobody": "/people/?q=nobody",
        "person": f"/people/{alice.pk}/",
        "own": f"/people/{admin.pk}/",
        "projects": f"/people/{alice.pk}/projects/",
        "account": "/account/",
        "sessions": "/account/sessions/",
        "second-factor": "/account/second-factor/",
        "confirm": "/account/second-factor/app/",
    }.items():
        page.goto(path)
        found[name] = problems_of(page)
        page.screenshot(path=tmp_path / f"{name}-{theme}-{width}.png", full_page=width < 1000)
    assert {name: problems for name, problems in found.items() if problems} == {}
