"""Lockout: wrong passwords close an address of e-mail from one IP address, for a while, and nothing else."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Mail
from tests.accounts.keycloak_mode import use_keycloak
from tests.conftest import PASSWORD, ClientOf, is_signed_in
from tests.portal import free_port

HOME, ELSEWHERE = "192.0.2.10", "198.51.100.7"
pytestmark = pytest.mark.attacks


def try_from(address: str, email: str, password: str = PASSWORD, path: str = "account_login") -> Client:
    """A browser after one attempt to sign in; `last` holds the answer."""
    client = Client(REMOTE_ADDR=address)
    client.last = client.post(reverse(path), {"login": email, "password": password})  # type: ignore[attr-defined]
    return client


def lock(address: str, email: str, path: str = "account_login") -> Client:
    for _ in range(4):
        assert try_from(address, email, "wrong", path).last.status_code == 200  # type: ignore[attr-defined]
    return try_from(address, email, "wrong", path)


def test_after_five_wrong_passwords_the_right_one_waits_and_the_page_says_how_long(alice: User) -> None:
    last = lock(HOME, alice.email).last  # type: ignore[attr-defined]
    assert last.status_code == 429
    assert "Too many wrong passwords" in last.text
    assert f"before <strong>{timezone.localtime() + timedelta(minutes=15):%H:%M}</strong>" in last.text
    assert 800 < int(last["Retry-After"]) <= 900
    assert not is_signed_in(try_from(HOME, alice.email))


@pytest.mark.parametrize("is_known", [True, False])
def test_each_wrong_password_is_a_row_and_the_lock_is_one(alice: User, is_known: bool) -> None:
    email, pk = (alice.email, alice.pk) if is_known else ("nobody@uni.example", None)
    lock(HOME, email)
    for password in ("wrong", PASSWORD):
        try_from(HOME, email, password)
    rows = Entry.objects.filter(action__in=["account.sign_in_failed", "account.locked"]).order_by("pk")
    assert [row.action for row in rows] == ["account.sign_in_failed"] * 5 + ["account.locked"]
    assert {(row.actor_pk, row.subject_pk, row.address) for row in rows} == {(None, pk, HOME)}
    assert email not in str(list(rows.values()))


def test_the_right_password_of_a_deactivated_person_is_a_row(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    try_from(HOME, alice.email)
    assert Entry.objects.get(action="account.sign_in_failed").subject_pk == alice.pk


def test_nobody_is_locked_out_from_elsewhere(alice: User) -> None:
    lock(ELSEWHERE, alice.email)
    assert is_signed_in(try_from(HOME, alice.email))


def test_another_person_signs_in_from_the_same_address(alice: User, bob: User) -> None:
    lock(HOME, alice.email)
    assert is_signed_in(try_from(HOME, bob.email))


def test_another_case_of_the_address_is_the_same_one(alice: User) -> None:
    for _ in range(2):
        try_from(HOME, alice.email.upper(), "wrong")
        try_from(HOME, alice.email.title(), "wrong")
    assert try_from(HOME, alice.email, "wrong").last.status_code == 429  # type: ignore[attr-defined]


def test_another_browser_or_address_of_the_same_network_starts_no_new_count(alice: User) -> None:
    for number in range(5):
        client = Client(REMOTE_ADDR=f"2001:db8:1:2::{number}", headers={"User-Agent": f"browser {number}"})
        client.post(reverse("account_login"), {"login": alice.email, "password": "wrong"})
    assert not is_signed_in(try_from("2001:db8:1:2:ffff::1", alice.email))
    assert is_signed_in(try_from("2001:db8:1:3::1", alice.email))


def test_an_address_that_nobody_has_is_locked_alike(alice: User) -> None:
    answers = [lock(HOME, email).last for email in (alice.email, "nobody@uni.example")]  # type: ignore[attr-defined]
    assert [answer.status_code for answer in answers] == [429, 429]


def test_trying_on_does_not_make_the_wait_longer_and_it_ends(alice: User) -> None:
    lock(HOME, alice.email)
    before = AccessAttempt.objects.get().attempt_time
    try_from(HOME, alice.email, "wrong")
    assert AccessAttempt.objects.get().attempt_time == before
    AccessAttempt.objects.update(attempt_time=before - timedelta(minutes=16))
    assert is_signed_in(try_from(HOME, alice.email))
    assert not AccessAttempt.objects.exists()


def test_addresses_behind_proxies_are_counted_as_the_proxies_say(alice: User, settings: LazySettings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def send(forwarded: str, password: str) -> Client:
        client = Client(REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded})
        client.post(reverse("account_login"), {"login": alice.email, "password": password})
        return client

    for number in range(5):
        send(f"203.0.113.{number}, {ELSEWHERE}", "wrong")  # only the last is the proxy's own word
    assert not is_signed_in(send(f"203.0.113.9, {ELSEWHERE}", PASSWORD))
    assert is_signed_in(send(f"{ELSEWHERE}, {HOME}", PASSWORD))


def test_a_long_address_is_counted_too(db: None) -> None:
    try_from(HOME, f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example", "wrong")
    assert len(AccessAttempt.objects.get().username or "") == 255


def test_no_password_is_kept_with_the_attempt(alice: User) -> None:
    try_from(HOME, alice.email, "almost my pass phrase")
    kept = AccessAttempt.objects.values().get()
    assert "almost" not in str(kept)


def test_a_new_password_by_link_lifts_it(alice: User) -> None:
    lock(HOME, alice.email)
    client = Client(REMOTE_ADDR=HOME)
    form = client.get(services.password_link(alice), follow=True)
    new = "an even longer pass phrase"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert is_signed_in(try_from(HOME, alice.email, new))


def test_an_administrator_sees_it_and_lifts_it(alice: User, admin: User, support: User, client_of: ClientOf) -> None:
    page = reverse("people:person", args=[alice.pk])
    unlock = reverse("people:unlock", args=[alice.pk])
    client = client_of(admin)
    assert "No password is taken" not in client.get(page).text
    assert "It was so already" in client.post(unlock, follow=True).text
    lock(HOME, alice.email)
    assert HOME in client.get(page).text
    assert "No password is taken" in client_of(support).get(page).text
    client.post(unlock)
    assert is_signed_in(try_from(HOME, alice.email))
    assert Mail.objects.get(to=alice.email).subject == "Your password is taken again"
    assert Entry.objects.filter(action="account.unlocked", actor_pk=admin.pk, subject_pk=alice.pk).count() == 1


def test_the_emergency_sign_in_is_locked_too(admin: User, settings: LazySettings) -> None:
    use_keycloak(settings, KEYCLOAK_URL=f"http://127.0.0.1:{free_port()}")
    assert lock(HOME, admin.email, "break_glass").last.status_code == 429  # type: ignore[attr-defined]
    assert not is_signed_in(try_from(HOME, admin.email, path="break_glass"))
    assert is_signed_in(try_from(ELSEWHERE, admin.email, path="break_glass"))


def test_confirming_that_it_is_you_is_counted_as_well(alice: User) -> None:
    client = try_from(HOME, alice.email)
    for _ in range(5):
        answer = client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    assert answer.status_code == 429
