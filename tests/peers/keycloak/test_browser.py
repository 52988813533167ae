"""In a browser: the button, Keycloak's page, the way back, an SSH key, and out again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accounts.test_ssh_keys import make_pair, public
from tests.browser.looked_at import problems_of
from tests.peers.keycloak import Keycloak
from tests.peers.keycloak.realm import Realm, imported_realm
from tests.peers.mail import Mail
from tests.portal import ADMINISTRATOR, Portal, free_port, running_portal

pytestmark = [pytest.mark.peers, pytest.mark.timeout(400)]
EMAIL, PASSWORD = "ida.berg@hospital.example", "a long enough pass phrase"
PICTURES = os.environ.get("PICTURES")


@pytest.fixture
def portal(keycloak: Keycloak, mail: Mail, tmp_path: Path) -> Iterator[tuple[Portal, Realm]]:
    port = free_port()
    with imported_realm(keycloak, portal_url=f"http://127.0.0.1:{port}", mail=mail) as realm:
        subject = realm.add_person(EMAIL, PASSWORD)
        for group in ("MAIA:users", "MAIA:admin"):
            realm.directory().ensure_membership(subject, group)
        settings = {**realm.settings, "SAMPLE_PROJECT": "no"}
        with running_portal(tmp_path / "var", port=port, **settings) as portal:
            yield portal, realm


@pytest.fixture
def page(portal: tuple[Portal, Realm], browser: Browser) -> Iterator[Page]:
    page = browser.new_page(base_url=portal[0].url, viewport={"width": 1440, "height": 900})
    page.set_default_timeout(30_000)
    yield page
    page.close()


def look_at(page: Page, name: str) -> None:
    """axe finds nothing, light on a desk and dark on a phone. Pictures for people, where PICTURES names a folder."""
    for theme, width in (("dark", 390), ("light", 1440)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        assert problems_of(page) == [], name
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{theme}-{width}.png", full_page=True)


def test_in_and_out_in_a_browser(portal: tuple[Portal, Realm], page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto("/algorithms/")
    look_at(page, "sign-in")
    page.get_by_role("button", name="Sign in with Keycloak").click()
    page.get_by_label("Email").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign In").click()
    expect(page).to_have_url(f"{portal[0].url}/algorithms/")
    page.goto("/account/")
    expect(page.get_by_role("link", name="In Keycloak")).to_be_visible()
    page.get_by_role("link", name="1 browser").click()
    expect(page.get_by_text("this one")).to_be_visible()
    page.goto("/account/")
    page.get_by_label("Public key").fill(public(make_pair(tmp_path)))
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_role("row", name="ida@laptop")).to_be_visible()
    look_at(page, "account")
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.goto("/algorithms/")
    page.get_by_role("button", name="Sign in with Keycloak").click()
    expect(page.locator("input[name=password]")).to_be_visible()
    assert not [error for error in errors if "Content Security Policy" in error], errors


def test_the_first_administrator_breaks_the_glass(portal: tuple[Portal, Realm], page: Page) -> None:
    page.goto("/account/break-glass/")
    look_at(page, "break-glass")
    page.get_by_label("E-mail address").fill(ADMINISTRATOR)
    page.get_by_label("Password", exact=True).fill(portal[0].one_time_password())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()
    expect(page.get_by_role("link", name="Forgot your password?")).to_have_count(0)
    page.context.clear_cookies()
    page.goto("/account/keycloak/callback/?error=access_denied")
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    look_at(page, "refused")
