"""Requests from both sides, in two browsers: joining, changes, rejection, withdrawal, expiry; the keyboard alone."""

import re
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.projects import granting
from apps.projects.models import Membership, Project
from apps.registrations import links, services
from apps.registrations.models import Registration
from tests.browser import stories
from tests.browser.conftest import OpenAs
from tests.browser.steps import LINK, approve, confirm_address, register
from tests.registrations.conftest import Make, joining, submitted, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
__all__ = ["joining", "submitted", "waiting"]  # fixtures

IDA, JONAS = "ida.berg@uni.example", "jonas.lind@uni.example"
Status = Registration.Status


class Mailbox:
    """The mails of this test."""

    def __init__(self, mails: list[EmailMessage]) -> None:
        self.mails = mails

    def link_to(self, address: str, pattern: str) -> str:
        texts = [mail.body for mail in self.mails if mail.to == [address]]
        return next(found for text in reversed(texts) for found in reversed(re.findall(pattern, text)))

    def subjects(self, address: str) -> list[str]:
        return [mail.subject for mail in self.mails if mail.to == [address]]


@pytest.fixture
def mailbox(bells: list[str], mailoutbox: list[EmailMessage]) -> Mailbox:
    return Mailbox(mailoutbox)


@pytest.fixture
def decider(open_as: OpenAs, approver: User, has_scripts: bool) -> Page:
    return open_as(approver, java_script_enabled=has_scripts).new_page()


def test_joining_an_existing_project(
    visitor: Page,
    open_as: OpenAs,
    project: Project,
    alice: User,
    mailbox: Mailbox,
    has_scripts: bool,
) -> None:
    stories.ask_to_join(visitor, JONAS, project.namespace)
    confirm_address(mailbox, visitor, JONAS, decider="An owner of the project")
    hers = open_as(alice, java_script_enabled=has_scripts).new_page()
    stories.admit_as_member(hers, mailbox.link_to(alice.email, r"/approvals/\d+/"))
    services.sweep()
    visitor.reload()
    expect(visitor.get_by_role("link", name="Open the project")).to_be_visible()
    assert Membership.objects.get(user__email=JONAS).role == Membership.Role.MEMBER


def test_asked_for_changes_edited_approved(visitor: Page, decider: Page, mailbox: Mailbox) -> None:
    register(visitor, IDA, "prostate-bpmri-atlas")
    confirm_address(mailbox, visitor, IDA)
    _open_first(decider)
    stories.send_back(decider, "Name the ethics approval, please.")
    visitor.goto(mailbox.link_to(IDA, LINK))
    expect(visitor.get_by_role("main")).to_contain_text("Name the ethics approval, please.")
    stories.edit_request(visitor)
    approve(decider, "prostate-bpmri-atlas", GPUs="1")
    services.sweep()
    visitor.reload()
    expect(visitor.get_by_role("link", name="Open the project")).to_be_visible()
    assert Project.objects.get().allocation.granted_gpus == 1


def test_a_question_is_answered(visitor: Page, decider: Page, mailbox: Mailbox, waiting: Make) -> None:
    row = waiting()
    _open_first(decider)
    stories.send_back(decider, "Which scanner?")
    visitor.goto(links.path_of(row))
    visitor.get_by_text("Only answer").click()
    visitor.get_by_label("Your answer").fill("A 3 T one.")
    visitor.get_by_role("button", name="Send the answer").click()
    expect(visitor.get_by_role("main")).to_contain_text("An approver has to decide")
    decider.reload()
    expect(decider.get_by_role("main")).to_contain_text("A 3 T one.")


def test_rejected(visitor: Page, decider: Page, mailbox: Mailbox, waiting: Make) -> None:
    row = waiting()
    _open_first(decider)
    stories.reject(decider, "No ethics approval.")
    visitor.goto(mailbox.link_to(row.email, LINK))
    expect(visitor.get_by_role("main")).to_contain_text("No ethics approval.")
    expect(visitor.get_by_role("link", name="Register another project")).to_be_visible()


def test_withdrawn(visitor: Page, decider: Page, mailbox: Mailbox, waiting: Make) -> None:
    row = waiting()
    _open_first(decider)
    visitor.goto(links.path_of(row))
    stories.withdraw(visitor)
    stories.approve_too_late(decider)
    assert mailbox.subjects(row.email)[-1] == "Your request is withdrawn: Prostate bpMRI atlas"


def test_expired(visitor: Page, mailbox: Mailbox, joining: Make) -> None:
    row = joining()
    Registration.objects.update(status_changed_at=timezone.now() - timedelta(days=61))
    services.sweep()
    visitor.goto(links.path_of(row))
    expect(visitor.get_by_role("main")).to_contain_text("The request expired")
    expect(visitor.get_by_role("link", name="Register again")).to_be_visible()
    assert "has expired" in mailbox.subjects(row.email)[-1]


def test_several_at_once(decider: Page, mailbox: Mailbox, waiting: Make) -> None:
    for number in range(3):
        waiting(namespace=f"course-{number}", project_name=f"Course {number}", email=f"{number}@uni.example")
    decider.goto("/approvals/")
    for number in (0, 2):
        decider.get_by_label(f"Choose Course {number}").check()
    decider.get_by_text("Reject the chosen").click()
    decider.get_by_label("Reason").fill("The platform is full.")
    decider.get_by_role("button", name="Reject them with this reason").click()
    expect(decider.get_by_role("main")).to_contain_text("2 of 2 decided")
    decider.get_by_role("link", name="Back to the list").click()
    decider.get_by_role("link", name="Choose all on this page").click()
    decider.get_by_role("button", name="Approve the chosen as asked").click()
    expect(decider.get_by_role("main")).to_contain_text("1 of 1 decided")
    states = list(Registration.objects.order_by("pk").values_list("status", flat=True))
    assert states == [Status.REJECTED, Status.PROVISIONED, Status.REJECTED]


@pytest.fixture
def console(open_as: OpenAs, approver: User, waiting: Make) -> Page:
    """With five requests that wait; entered from the home page."""
    for number in range(5):
        waiting(namespace=f"course-{number}", project_name=f"Course {number}", email=f"{number}@uni.example")
    page = open_as(approver).new_page()
    page.goto("/")
    _go(page, "Approvals")
    return page


def states() -> dict[str, str]:
    return dict(Registration.objects.exclude(status=Status.EMAIL_VERIFIED).values_list("project_name", "status"))


def test_one_after_the_other_by_keyboard(console: Page, mailbox: Mailbox) -> None:
    _tab_to(console, "Project, namespace or person")
    console.keyboard.type("Course 1")
    console.keyboard.press("Enter")
    expect(console.get_by_role("row")).to_have_count(2)
    _go(console, "Course 1")
    _press(console, "Reject")
    _type(console, "Reason", "No room.")
    _press(console, "Reject the request")
    expect(console.get_by_role("main")).to_contain_text("Rejected. The requester gets the reason by mail.")
    _go(console, "Approvals")
    _go(console, "Course 0")
    _type(console, "GPUs", "1")
    _press(console, "Approve")
    expect(console.get_by_role("main")).to_contain_text("Approved. The portal is setting the project up")
    _go(console, "Approvals")
    _go(console, "Course 3")
    _press(console, "Ask for changes")
    _type(console, "What has to change, or your question", "Which scanner?")
    _press(console, "Send back to Ida Berg")
    expect(console.get_by_role("main")).to_contain_text("Sent back for changes")
    assert states() == {
        "Course 0": Status.PROVISIONED,
        "Course 1": Status.REJECTED,
        "Course 3": Status.CHANGES_REQUESTED,
    }


def test_several_at_once_by_keyboard(console: Page, mailbox: Mailbox) -> None:
    for number in (2, 3):
        _choose(console, f"Course {number}")
    _press(console, "Approve the chosen as asked")
    expect(console.get_by_role("main")).to_contain_text("2 of 2 decided")
    _press(console, "Back to the list")
    expect(console.get_by_role("heading", level=1)).to_have_text("Approvals")
    _choose(console, "Course 4")
    _press(console, "Reject the chosen")
    _type(console, "Reason", "No room.")
    _press(console, "Reject them with this reason")
    expect(console.get_by_role("main")).to_contain_text("1 of 1 decided")
    assert states() == {
        "Course 2": Status.PROVISIONED,
        "Course 3": Status.PROVISIONED,
        "Course 4": Status.REJECTED,
    }


def test_filters_pages_and_more_time_by_keyboard(
    console: Page, mailbox: Mailbox, project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.registrations.console.ROWS_A_PAGE", 2)
    granting.ask_extension(project, ends_on=project.ends_on + timedelta(days=90), why="Two more scanners", by=alice)
    _type(console, "Asks for", "Join")
    _press(console, "Show")
    expect(console.get_by_role("main")).to_contain_text("No request fits.")
    _press(console, "Only what waits")
    expect(console.get_by_role("link", name="Course 1")).to_be_visible()
    _press(console, "Next")
    expect(console.get_by_role("link", name="Course 2")).to_be_visible()
    _press(console, "Previous")
    expect(console.get_by_role("link", name="Course 1")).to_be_visible()
    _go(console, "More time")
    _press(console, project.name)
    expect(console.get_by_role("heading", level=1)).to_have_text(f"More time for {project.name}")
    _press(console, "Grant")
    expect(console.get_by_role("main")).to_contain_text("Granted. The owners are told by mail.")


def _open_first(page: Page) -> None:
    page.goto("/approvals/")
    page.get_by_role("table").get_by_role("link").first.click()


def _go(page: Page, name: str) -> None:
    """By a link of that name to the page of that name."""
    _press(page, name)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def _press(page: Page, name: str) -> None:
    _tab_to(page, name)
    page.keyboard.press("Enter")


def _type(page: Page, name: str, text: str) -> None:
    _tab_to(page, name)
    page.keyboard.type(text)


def _choose(page: Page, title: str) -> None:
    _tab_to(page, f"Choose {title} of Ida Berg")
    page.keyboard.press("Space")


def _tab_to(page: Page, name: str) -> None:
    """Presses Tab until something whose name begins so has the focus, which must be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).startswith(name):
            assert page.evaluate(HAS_OUTLINE)
            return
    raise AssertionError(f"{name} is not reached by Tab")


FOCUSED = """() => {
    const one = document.activeElement;
    const label = one.getAttribute("aria-label") || (one.labels && one.labels[0] && one.labels[0].innerText);
    return (label || one.innerText || "").trim();
}"""
HAS_OUTLINE = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" || style.boxShadow !== "none";
}"""
