"""The second factor: codes of an app, and recovery codes; asked for after the password, changed by who proves it."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import LazySettings
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from apps.accounts import second_factor
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Mail
from tests.accounts.keycloak_mode import use_keycloak
from tests.conftest import PASSWORD, ClientOf, is_signed_in
from tests.portal import free_port

PAGES = (
    "mfa_index",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_reauthenticate",
)


def with_password(user: User, path: str = "account_login") -> Client:
    client = Client()
    client.post(reverse(path), {"login": user.email, "password": PASSWORD})
    return client


def code_of(key: str) -> str:
    """What the app shows now."""
    cache.clear()  # within the 30 seconds of a code a test signs in more often than a person does
    return shown_by_app(key)


def shown_by_app(key: str) -> str:
    return format_hotp_value(hotp_value(key, next(auth.yield_hotp_counters_from_time())))


def set_up(client: Client) -> tuple[str, list[str]]:
    """The key, and the recovery codes."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    key = page.context["form"].secret
    assert key in page.text
    assert "data:image/svg+xml" in page.text
    codes = client.post(reverse("mfa_activate_totp"), {"code": code_of(key)}, follow=True).text
    recovery_codes = re.findall(r"<li><code>(\d{8})</code></li>", codes)
    assert recovery_codes
    return key, recovery_codes


@pytest.fixture
def protected(alice: User) -> tuple[str, list[str]]:
    return set_up(with_password(alice))


@pytest.mark.django_db(transaction=True)
def test_it_is_set_up_and_said_by_mail_and_recorded(alice: User) -> None:
    key, codes = set_up(with_password(alice))
    assert len(set(codes)) == 10
    assert key not in str(list(Authenticator.objects.values())), "the key is sealed"
    assert Mail.objects.filter(to=alice.email, subject__icontains="authenticator app activated").exists()


def rows(action: str) -> list[tuple[int | None, int | None, object]]:
    """Who did it, to whom, and with which part of the second factor."""
    found = Entry.objects.filter(action=f"second_factor.{action}").order_by("pk")
    return [(entry.actor_pk, entry.subject_pk, entry.detail.get("kind")) for entry in found]


def test_each_change_is_written_down_in_its_own_transaction(alice: User) -> None:
    """That of the test never ends, so nothing is seen here that waits for the end."""
    client = with_password(alice)
    set_up(client)
    assert sorted(rows("added"), key=str) == [(alice.pk, alice.pk, kind) for kind in ("recovery_codes", "totp")]
    client.post(reverse("mfa_generate_recovery_codes"))
    assert rows("removed") == [(alice.pk, alice.pk, "recovery_codes")]
    assert rows("added")[2:] == [(alice.pk, alice.pk, "recovery_codes")]
    client.post(reverse("mfa_deactivate_totp"))
    assert sorted(rows("removed")[1:], key=str) == [(alice.pk, alice.pk, kind) for kind in ("recovery_codes", "totp")]


@pytest.mark.faults
def test_what_cannot_be_written_down_is_not_done(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(second_factor, "record", fail)
    client = with_password(alice)
    with pytest.raises(DatabaseError):
        set_up(client)
    assert not Authenticator.objects.exists()


def test_a_wrong_code_sets_nothing_up(alice: User) -> None:
    client = with_password(alice)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.get(reverse("mfa_activate_totp"))
    assert "Incorrect code" in client.post(reverse("mfa_activate_totp"), {"code": "000000"}).text
    assert not Authenticator.objects.exists()


def test_the_password_alone_opens_nothing_any_more(alice: User, protected: tuple[str, list[str]]) -> None:
    client = with_password(alice)
    assert not is_signed_in(client)
    for name in ("accounts:account", "accounts:sessions", "mfa_index"):
        assert client.get(reverse(name)).status_code == 302
    assert "authenticator app shows" in client.get(reverse("mfa_authenticate")).text
    client.post(reverse("mfa_authenticate"), {"code": code_of(protected[0])})
    assert is_signed_in(client)


def test_a_code_works_once(alice: User, protected: tuple[str, list[str]]) -> None:
    code = code_of(protected[0])
    first, second = with_password(alice), with_password(alice)
    first.post(reverse("mfa_authenticate"), {"code": code})
    second.post(reverse("mfa_authenticate"), {"code": code})
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)


def test_a_recovery_code_works_once(alice: User, protected: tuple[str, list[str]]) -> None:
    for code, opens in ((protected[1][0], True), (protected[1][0], False), (protected[1][1], True)):
        client = with_password(alice)
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert is_signed_in(client) == opens


@pytest.mark.attacks
def test_guessing_codes_is_slowed_down(alice: User, protected: tuple[str, list[str]]) -> None:
    client = with_password(alice)
    for _ in range(6):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert rows("wrong_code") == [(None, alice.pk, None)] * 5, "a try that is not looked at is no row"
    right = shown_by_app(protected[0])
    client.post(reverse("mfa_authenticate"), {"code": right})
    assert not is_signed_in(client)


def test_the_page_of_codes_is_nobodys_without_a_password(db: None) -> None:
    assert Client().get(reverse("mfa_authenticate")).status_code == 302


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_generate_recovery_codes", "mfa_view_recovery_codes"])
def test_what_changes_it_needs_a_proof_that_is_fresh(alice: User, client_of: ClientOf, name: str) -> None:
    if name != "mfa_activate_totp":
        set_up(with_password(alice))
    client = client_of(alice)
    answer = client.get(reverse(name))
    assert answer.status_code == 302
    assert "/account/reauthenticate/" in answer["Location"] or "/second-factor/confirm/" in answer["Location"]


def test_stopping_needs_a_proof_and_takes_the_recovery_codes_along(
    alice: User, protected: tuple[str, list[str]]
) -> None:
    client = with_password(alice)
    client.post(reverse("mfa_authenticate"), {"code": code_of(protected[0])})
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.count() == 2
    confirm = client.get(reverse("mfa_reauthenticate")).text
    assert reverse("account_reauthenticate") in confirm, "the password would do as well"
    client.post(reverse("mfa_reauthenticate"), {"code": protected[1][0]})
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert is_signed_in(with_password(alice))


def test_an_administrator_takes_it_from_who_lost_the_phone(
    alice: User, admin: User, protected: tuple[str, list[str]], client_of: ClientOf
) -> None:
    client, page = client_of(admin), reverse("people:person", args=[alice.pk])
    assert "Remove the second factor" in client.get(page).text
    remove = reverse("people:remove_second_factor", args=[alice.pk])
    assert "is removed" in client.post(remove, follow=True).text
    assert "It was so already" in client.post(remove, follow=True).text
    assert is_signed_in(with_password(alice))
    assert Mail.objects.filter(to=alice.email, subject="Your second factor was removed").count() == 1
    assert sorted(rows("removed"), key=str) == [(admin.pk, alice.pk, kind) for kind in ("recovery_codes", "totp")]


def test_nobody_takes_the_own_one_without_a_code(admin: User, client_of: ClientOf) -> None:
    set_up(with_password(admin))
    remove = reverse("people:remove_second_factor", args=[admin.pk])
    assert "This is your own account" in client_of(admin).post(remove, follow=True).text
    assert Authenticator.objects.filter(user=admin).count() == 2


def test_who_breaks_the_glass_has_one_too(admin: User, settings: LazySettings) -> None:
    use_keycloak(settings, KEYCLOAK_URL=f"http://127.0.0.1:{free_port()}")
    key, _ = set_up(with_password(admin, "break_glass"))
    client = with_password(admin, "break_glass")
    assert not is_signed_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code_of(key)})
    assert is_signed_in(client)


@pytest.mark.parametrize("name", PAGES)
def test_for_people_of_keycloak_there_is_none(alice: User, settings: LazySettings, name: str) -> None:
    use_keycloak(settings, KEYCLOAK_URL=f"http://127.0.0.1:{free_port()}")
    client = Client()
    client.force_login(alice, backend="apps.accounts.keycloak.KeycloakBackend")
    assert client.get(reverse(name)).status_code == 404
