"""A second factor sealed under another CREDENTIALS_KEY: it opens nothing, breaks nothing, and can be removed."""

import pytest
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from tests.accounts.test_second_factor import code_of, set_up, with_password
from tests.conftest import PASSWORD, ClientOf, is_signed_in

pytestmark = pytest.mark.faults
SIGNED_IN = "The portal cannot read your second factor any more"


@pytest.fixture
def browser(alice: User) -> Client:
    """Where alice is signed in since before the key was changed."""
    return with_password(alice)


@pytest.fixture
def lost(browser: Client, settings: LazySettings) -> tuple[str, list[str]]:
    """The key of her app, and her recovery codes."""
    found = set_up(browser)
    settings.CREDENTIALS_KEY = "another key than before"
    return found


@pytest.mark.attacks
def test_no_code_opens_the_account_and_the_page_says_who_can_help(alice: User, lost: tuple[str, list[str]]) -> None:
    key, recovery_codes = lost
    without_a_key = code_of("")
    for code in (code_of(key), without_a_key, recovery_codes[0], "000000"):
        client = with_password(alice)
        answer = client.post(reverse("mfa_authenticate"), {"code": code})
        assert answer.status_code == 200
        assert "An administrator of the platform can take it" in answer.text
        assert not is_signed_in(client)


def test_an_administrator_removes_it_and_the_password_opens(
    alice: User, admin: User, client_of: ClientOf, lost: tuple[str, list[str]]
) -> None:
    client_of(admin).post(reverse("people:remove_second_factor", args=[alice.pk]))
    assert is_signed_in(with_password(alice))


def test_the_page_says_so_and_offers_nothing_that_needs_the_key(browser: Client, lost: tuple[str, list[str]]) -> None:
    page = browser.get(reverse("mfa_index")).text
    assert SIGNED_IN in page
    assert "Stop using it" in page
    assert "Recovery codes" not in page
    for name in ("mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes"):
        assert browser.get(reverse(name))["Location"] == reverse("mfa_index")
    assert browser.post(reverse("mfa_generate_recovery_codes"))["Location"] == reverse("mfa_index")


def test_who_is_signed_in_proves_by_password_and_stops_using_it(
    alice: User, client_of: ClientOf, lost: tuple[str, list[str]]
) -> None:
    client = client_of(alice)
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.count() == 2, "it needs a proof"
    assert SIGNED_IN in client.post(reverse("mfa_reauthenticate"), {"code": code_of(lost[0])}).text
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    key, _ = set_up(client)
    fresh = with_password(alice)
    fresh.post(reverse("mfa_authenticate"), {"code": code_of(key)})
    assert is_signed_in(fresh)
