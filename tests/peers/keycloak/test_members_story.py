"""At the real Keycloak, without JavaScript: a course of 40 is invited, one joins, the owner hands over and leaves."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import INVITATION_LINK
from tests.peers.keycloak.browser import Browser as Requests
from tests.peers.keycloak.realm import Realm
from tests.peers.keycloak.test_browser import EMAIL, PASSWORD, page, portal
from tests.peers.keycloak.test_steps import PASSWORD as NEW_PASSWORD
from tests.peers.keycloak.test_steps import follow_keycloaks_mail
from tests.peers.mail import Mail
from tests.peers.portal_work import in_portal, open_project
from tests.portal import Portal
from tests.waiting import wait_until

__all__ = ["page", "portal"]
pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]
DOMAIN = f"{uuid.uuid4().hex[:8]}.example"  # the servers, and so their mailboxes, may have run before
STUDENT = f"student7@{DOMAIN}"
COURSE = "email,role,name\n" + "".join(f"student{number}@{DOMAIN},member\n" for number in range(40))
GROUP, MEMBERS = "MAIA:course", "/projects/course/members/"


def sign_in(page: Page, email: str, password: str, path: str) -> None:
    page.goto(path)
    page.get_by_role("button", name="Sign in with Keycloak").click()
    page.get_by_label("Email").fill(email)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Sign In").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def groups(realm: Realm, email: str) -> Callable[[], frozenset[str]]:
    def read() -> frozenset[str]:
        directory = realm.directory()
        people = directory.people_with_email(email)
        return frozenset(name for one in people for name in directory.groups_of(one.subject) if name.startswith(GROUP))

    return read


def test_a_course_joins_and_the_owner_hands_over_and_leaves(
    portal: tuple[Portal, Realm], page: Page, mail: Mail
) -> None:
    running, realm = portal
    in_portal(running, open_project, "course", EMAIL)
    wait_until(lambda: groups(realm, EMAIL)() == {f"{GROUP}:owner"}, 90)
    browser = page.context.browser
    assert browser is not None
    options = {"base_url": running.url, "java_script_enabled": False}
    hers, his = (browser.new_context(**options).new_page() for _ in range(2))  # type: ignore[arg-type]
    sign_in(hers, EMAIL, PASSWORD, MEMBERS)
    hers.goto(f"{MEMBERS}invite-many/")
    hers.get_by_label("People, one a line").fill(COURSE)
    hers.get_by_role("button", name="Look through the list").click()
    hers.get_by_role("button", name="Invite 40 people").click()
    expect(hers.get_by_text("40 people are invited.")).to_be_visible()

    his.goto(running.link_to(STUDENT, INVITATION_LINK))
    his.get_by_label("Your name").fill("Kim Ek")
    his.get_by_label("Affiliation").fill("Uppsala University")
    his.get_by_role("checkbox").check()
    his.get_by_role("button", name="Accept").click()
    expect(his.get_by_text("Sign in with Keycloak")).to_be_visible()
    wait_until(lambda: mail.mails_to(STUDENT), 90)
    follow_keycloaks_mail(Requests(realm), mail, STUDENT)
    sign_in(his, STUDENT, NEW_PASSWORD, "/projects/course/")
    expect(his.get_by_role("heading", level=1)).to_have_text("Course")
    wait_until(lambda: groups(realm, STUDENT)() == {GROUP}, 60)

    hers.goto(f"{MEMBERS}?q=student7")
    hers.get_by_role("link", name="Hand the project over to Kim Ek").click()
    hers.get_by_role("button", name="Hand over").click()
    expect(hers.get_by_text("Kim Ek is an owner now, and you are a member.")).to_be_visible()
    hers.goto(f"{MEMBERS}leave/")
    hers.get_by_role("button", name="Leave the project").click()
    expect(hers.get_by_text("You have left Course.")).to_be_visible()
    wait_until(lambda: (groups(realm, STUDENT)(), groups(realm, EMAIL)()) == ({f"{GROUP}:owner"}, frozenset()), 60)
    his.goto(MEMBERS)
    expect(his.get_by_label("Role of Kim Ek", exact=True)).to_have_value("owner")
