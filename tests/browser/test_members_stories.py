"""A course of 40 is invited by a pasted list and one of them joins; an owner hands over and leaves."""

import re

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.models import Membership, Project
from apps.provisioning import members
from tests.browser import stories
from tests.browser.conftest import OpenAs
from tests.browser.steps import PASSWORD, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
COURSE = [f"student{number}@uni.example,member,Student {number}" for number in range(40)]
STUDENT = "student7@uni.example"
MEMBERS = "/projects/cardiac-mr/members/"


@pytest.fixture
def hers(open_as: OpenAs, project: Project, alice: User, has_scripts: bool) -> Page:
    """The page of alice, who owns the project."""
    return open_as(alice, java_script_enabled=has_scripts).new_page()


def test_a_course_of_40_is_invited_and_one_of_them_joins(hers: Page, visitor: Page) -> None:
    lines = [*COURSE, "nobody,member", "bob@hospital.example"]
    stories.invite_many(hers, "cardiac-mr", lines, people=40, left_out=2)
    _join(visitor)
    stories.see_who_accepted(hers, "cardiac-mr", STUDENT)
    assert Membership.objects.get(user__email=STUDENT).role == Membership.Role.MEMBER


def _join(page: Page) -> None:
    found = re.search(r"/invitations/\S+/", Mail.objects.get(to=STUDENT).text)
    assert found
    stories.accept_invitation(page, found[0], "Student 7")
    expect(page.get_by_text("Choose a password to sign in with.")).to_be_visible()
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").last.click()
    sign_in(page, STUDENT, PASSWORD)
    page.goto("/projects/cardiac-mr/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cardiac mr")


def test_an_owner_hands_over_and_leaves(hers: Page, alice: User, bob: User) -> None:
    stories.hand_over(hers, "cardiac-mr", "Bob")
    expect(hers.get_by_role("heading", name="In progress")).to_be_visible()
    hers.get_by_role("link", name="Gets another role: member").click()
    members.sweep()
    hers.reload()
    expect(hers.get_by_text("Done", exact=True).first).to_be_visible()
    stories.leave(hers, "cardiac-mr", "Cardiac mr")
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
