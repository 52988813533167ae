"""Pages that come of doing something: forms sent with faults, questions before something is done, what came of it."""

import json

from playwright.sync_api import Page, expect

from tests.browser.shown_page import Act, Shown
from tests.browser.steps import PASSWORD, sign_in
from tests.portal import Portal

MEMBERS = "/projects/sample/members/"
SETTINGS = "/projects/sample/settings/"
DATA = "/projects/sample/data/"
OWN = "An atlas of our own"  # a request of the administrator's own


def pages_of_states(portal: Portal) -> list[Shown]:
    """Makes people and requests in the portal. What is done to show a page may be done again and again."""
    printed = portal.manage("shell", "--command", "from tests.browser.stated import fill; print(fill())")
    made: dict[str, str] = json.loads(printed.splitlines()[-1])
    row, person = made.pop("row"), made.pop("person")
    return [
        *(Shown(name, path, is_public=name.startswith("request-")) for name, path in made.items()),
        Shown("request-edit", f"{made['request-changes']}edit/", is_public=True),
        Shown("member-remove", f"{MEMBERS}{row}/remove/"),
        Shown("member-hand-over", f"{MEMBERS}{row}/hand-over/"),
        Shown("person-of-another", person),
        Shown("projects-of-person", f"{person}projects/"),
        Shown("uploads", f"{DATA}uploads/"),
        Shown("exports", f"{DATA}exports/"),
        *_with_faults(made["approval-edited"]),
        *_of_deeds(),
    ]


def _with_faults(approval: str) -> list[Shown]:
    return [
        Shown("register-faults", "/register/", is_public=True, act=_send("/register/")),
        Shown("register-join-faults", "/register/join/", is_public=True, act=_send("/register/join/")),
        Shown("sign-in-refused", "/account/login/", is_public=True, act=_guess_once),
        Shown("locked", "/account/login/", is_public=True, act=_guess_until_locked),
        Shown("account-faults", "/account/", act=_send("/account/tokens/")),
        Shown("settings-faults", SETTINGS, act=_send("/settings/suspend/")),
        Shown("invite-faults", MEMBERS, act=_send("/members/invite/")),
        Shown("approval-faults", approval, act=_send("/reject/")),
        Shown("cluster-faults", "/clusters/new/", act=_send("/clusters/new/")),
        Shown("archive-faults", "/projects/sample/archives/add/", act=_send("/archives/add/")),
    ]


def _of_deeds() -> list[Shown]:
    return [
        Shown("bulk", "/approvals/", act=_approve_the_own),
        Shown("invite-many-preview", f"{MEMBERS}invite-many/", act=_look_through),
        Shown("token-made", "/account/", act=_make_a_token),
        Shown("second-factor-app", "/account/second-factor/app/", act=_confirm),
        Shown("delete-studies", DATA, act=_choose_to_delete),
        Shown("upload-of-nothing", DATA, act=_send("/data/upload/")),
    ]


def _send(address: str) -> Act:
    """Sends the form to this address as it is, past what the browser and the scripts would say of it."""

    def act(page: Page) -> None:
        named = page.locator(f'form[action$="{address}"]')
        form = named if named.count() else page.get_by_role("main").locator("form:not([action])")
        with page.expect_navigation():
            form.first.evaluate("form => HTMLFormElement.prototype.submit.call(form)")

    return act


def _guess_once(page: Page) -> None:
    sign_in(page, "nobody@uni.example", "a wrong password")
    expect(page.get_by_role("main")).to_contain_text("not correct")


def _guess_until_locked(page: Page) -> None:
    for _ in range(5):
        sign_in(page, "locked@uni.example", "a wrong password")


def _approve_the_own(page: Page) -> None:
    page.get_by_role("checkbox", name=OWN).check()
    page.get_by_role("button", name="Approve the chosen as asked").click()
    expect(page.get_by_role("main")).to_contain_text("This is your own request")


def _look_through(page: Page) -> None:
    page.get_by_label("People, one a line").fill("lo.dal@uni.example,viewer,Lo Dal\nbob@hospital.example\nnobody")
    page.get_by_role("button", name="Look through the list").click()
    expect(page.get_by_role("button", name="Invite 1 person")).to_be_visible()


def _make_a_token(page: Page) -> None:
    form = page.locator('form[action="/account/tokens/"]')
    form.get_by_label("What is it for?").fill("nightly")
    form.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("main")).to_contain_text("nightly")


def _confirm(page: Page) -> None:
    if page.get_by_role("button", name="Confirm").count():
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_alt_text("The key as a QR code")).to_be_visible()


def _choose_to_delete(page: Page) -> None:
    page.locator("[form=selection][type=checkbox]").first.check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Delete for good")).to_be_visible()
