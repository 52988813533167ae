"""A course of 40 is invited by a pasted list and one of them joins; an owner hands over and leaves."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.models import Membership, Project
from apps.provisioning import members
from tests.browser.steps import PASSWORD, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
COURSE = "email,role,name\n" + "".join(f"student{number}@uni.example,member,Student {number}\n" for number in range(40))
MEMBERS = "/projects/cardiac-mr/members/"


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def has_scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def hers(open_as: Callable[..., BrowserContext], project: Project, alice: User, has_scripts: bool) -> Page:
    """The page of alice, who owns the project."""
    return open_as(alice, java_script_enabled=has_scripts).new_page()


@pytest.fixture
def visitor(browser: Browser, live_server: LiveServer, settings: LazySettings, has_scripts: bool) -> Iterator[Page]:
    settings.PUBLIC_URL = live_server.url
    context = browser.new_context(base_url=live_server.url, java_script_enabled=has_scripts)
    yield context.new_page()
    context.close()


def test_a_course_of_40_is_invited_and_one_of_them_joins(hers: Page, visitor: Page) -> None:
    hers.goto("/projects/cardiac-mr/")
    hers.get_by_label("Navigation").get_by_role("link", name="Members").click()
    hers.get_by_role("link", name="Invite many").first.click()
    hers.get_by_label("People, one a line").fill(COURSE + "nobody,member\nbob@hospital.example\n")
    hers.get_by_role("button", name="Look through the list").click()
    expect(hers.get_by_text("40 to be invited, 2 left out")).to_be_visible()
    expect(hers.get_by_text("This is no e-mail address.")).to_be_visible()
    expect(hers.get_by_text("Is in the project already.")).to_be_visible()
    hers.get_by_role("button", name="Invite 40 people").click()
    expect(hers.get_by_text("40 people are invited.")).to_be_visible()
    expect(hers.get_by_text("Waits for an answer")).to_have_count(41)  # and the filter's choice
    _join(visitor)
    hers.goto(f"{MEMBERS}?q=student7")
    expect(hers.get_by_role("row", name=re.compile("student7@uni.example"))).to_be_visible()
    hers.goto(f"{MEMBERS}invitations/?q=student7@")
    expect(hers.get_by_role("main").get_by_role("cell", name="Accepted")).to_be_visible()


def _join(page: Page) -> None:
    found = re.search(r"/invitations/\S+/", Mail.objects.get(to="student7@uni.example").text)
    assert found
    page.goto(found[0])
    expect(page.get_by_text("invites you to be a member of this project")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Student 7")
    page.get_by_label("Affiliation").fill("Uppsala University")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Choose a password to sign in with.")).to_be_visible()
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").last.click()
    sign_in(page, "student7@uni.example", PASSWORD)
    page.goto("/projects/cardiac-mr/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cardiac mr")


def test_an_owner_hands_over_and_leaves(hers: Page, alice: User, bob: User) -> None:
    hers.goto(MEMBERS)
    hers.get_by_role("link", name="Hand the project over to Bob").click()
    expect(hers.get_by_role("heading", level=1)).to_have_text("Hand the project over to Bob?")
    hers.get_by_role("button", name="Hand over").click()
    expect(hers.get_by_text("Bob is an owner now, and you are a member.")).to_be_visible()
    expect(hers.get_by_role("heading", name="Under way")).to_be_visible()
    hers.get_by_role("link", name="Gets another role: member").click()
    members.sweep()
    hers.reload()
    expect(hers.get_by_text("Done", exact=True).first).to_be_visible()
    hers.goto(MEMBERS)
    hers.get_by_role("link", name="Leave the project").click()
    hers.get_by_role("button", name="Leave the project").click()
    expect(hers.get_by_text("You have left Cardiac mr.")).to_be_visible()
    assert list(Membership.objects.filter(role=Membership.Role.OWNER).values_list("user", flat=True)) == [bob.pk]
    assert not Membership.objects.filter(user=alice).exists()


def test_roles_and_removal_by_the_page(hers: Page, bob: User, vera: User) -> None:
    hers.goto(MEMBERS)
    hers.get_by_label("Role of Bob", exact=True).select_option("viewer")
    hers.get_by_role("button", name="Change the role of Bob").click()
    expect(hers.get_by_text("Bob is viewer now.")).to_be_visible()
    hers.get_by_role("button", name="Give Bob the right to export").click()
    expect(hers.get_by_text("Bob may take images out of the platform now.")).to_be_visible()
    hers.get_by_role("link", name="Remove Vera").click()
    hers.get_by_role("button", name="Remove").click()
    expect(hers.get_by_text("Vera is out of the project.")).to_be_visible()
    row = Membership.objects.get(user=bob)
    assert (row.role, row.may_export) == (Membership.Role.VIEWER, True)
    assert not Membership.objects.filter(user=vera).exists()
