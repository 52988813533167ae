"""Signing in, the first administrator's one-time password, and the link that sets a password."""

import re

import pytest
from django.core.mail import EmailMessage
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core import mail
from tests.conftest import PASSWORD, ClientOf, is_signed_in

NEW = "an even longer pass phrase"


def sign_in(client: Client, email: str, password: str = PASSWORD, next_page: str = "") -> object:
    return client.post(reverse("account_login"), {"login": email, "password": password, "next": next_page})


def test_a_person_signs_in_by_address_in_any_case_and_it_is_recorded(client: Client, alice: User) -> None:
    sign_in(client, "Alice@Hospital.Example")
    assert is_signed_in(client)
    assert Entry.objects.filter(action="account.signed_in", actor_pk=alice.pk, address="127.0.0.1").count() == 1


def test_wrong_password_and_unknown_address_read_the_same(client: Client, alice: User) -> None:
    pages = [
        re.sub(r'value="[^"]*"', "", sign_in(Client(), email, "wrong").text)  # type: ignore[attr-defined]
        for email in (alice.email, "nobody@hospital.example")
    ]
    assert pages[0] == pages[1]
    assert "password you specified are not correct" in pages[0]


def test_guessing_is_slowed_down(alice: User) -> None:
    client = Client()
    for _ in range(12):
        sign_in(client, alice.email, "wrong")
    sign_in(client, alice.email)
    assert not is_signed_in(client)


def test_a_deactivated_person_does_not_come_in_and_sign_in_does_not_activate(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    sign_in(client, alice.email)
    assert not is_signed_in(client)
    alice.refresh_from_db()
    assert not alice.is_active


def test_a_session_ends_when_its_person_is_deactivated(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert client.get(reverse("accounts:account")).status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(reverse("accounts:account")).status_code == 302


def test_signing_in_never_leads_to_another_host(client: Client, alice: User) -> None:
    answer = sign_in(client, alice.email, next_page="https://evil.example/")
    assert answer["Location"] == "/"  # type: ignore[index]


def test_signing_up_is_registering_a_project(client: Client, db: None) -> None:
    for answer in (client.get("/account/signup/"), client.post("/account/signup/", {"email": "a@b.example"})):
        assert (answer.status_code, answer["Location"]) == (302, reverse("registrations:register"))
    assert not User.objects.exists()


def test_a_stranger_is_led_to_sign_in(client: Client, db: None) -> None:
    answer = client.get(reverse("accounts:account"))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


def test_a_one_time_password_opens_only_the_page_that_changes_it(client: Client, db: None) -> None:
    made = services.ensure_first_administrator(email="root@hospital.example")
    assert made is not None
    user, password = made
    sign_in(client, user.email, password)
    change = reverse("account_change_password")
    for name in ("dashboard:home", "registrations:register", "accounts:account", "registrations:approvals"):
        assert client.get(reverse(name))["Location"] == change
    assert client.get(reverse("account_reset_password")).status_code == 200
    changed = client.post(change, {"oldpassword": password, "password1": NEW, "password2": NEW})
    assert changed["Location"] == reverse("dashboard:home")
    assert client.get(reverse("registrations:approvals")).status_code == 200
    assert services.ensure_first_administrator(email="second@hospital.example") is None


def test_a_link_sets_a_password_once(db: None) -> None:
    user = services.ensure_account(email="Ida@Uni.example", name="Ida", affiliation="Uppsala")
    assert (user.email, user.has_usable_password()) == ("ida@uni.example", False)
    link = services.password_link(user)
    client = Client()
    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert sign_in(Client(), user.email, NEW).status_code == 302  # type: ignore[attr-defined]
    again = Client().get(link, follow=True)
    assert "password1" not in again.text
    assert Entry.objects.filter(action="account.password_set", actor_pk=user.pk).exists()


@pytest.mark.parametrize("password", ["short", "password1234", "ida@uni.example"])
def test_a_weak_password_is_refused(db: None, password: str) -> None:
    user = services.ensure_account(email="ida@uni.example", name="Ida", affiliation="")
    client = Client()
    form = client.get(services.password_link(user), follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": password, "password2": password})
    user.refresh_from_db()
    assert not user.has_usable_password()


def test_a_forgotten_password_is_answered_alike_for_known_and_unknown(
    alice: User, mailoutbox: list[EmailMessage]
) -> None:
    reset = reverse("account_reset_password")
    answers = [Client().post(reset, {"email": email}) for email in (alice.email, "nobody@hospital.example")]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [
        (302, reverse("account_reset_password_done"))
    ] * 2
    mail.sweep()
    assert {message.to[0] for message in mailoutbox} == {alice.email, "nobody@hospital.example"}
    assert [message.to[0] for message in mailoutbox if "/password/reset/key/" in message.body] == [alice.email]


def test_an_account_that_exists_is_returned_as_it_is(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    again = services.ensure_account(email="ALICE@hospital.example", name="Mallory", affiliation="Elsewhere")
    assert (again.pk, again.name, again.is_active) == (alice.pk, "Alice", False)


def test_signing_out_is_no_get(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    client.get(reverse("account_logout"))
    assert is_signed_in(client)
    for _ in range(2):
        client.post(reverse("account_logout"))
    assert not is_signed_in(client)
    assert Entry.objects.filter(action="account.signed_out", actor_pk=alice.pk, subject_pk=alice.pk).count() == 1


def test_an_address_is_stored_in_lower_case_only(db: None) -> None:
    with pytest.raises(DatabaseError):
        User.objects.create(email="Ida@uni.example", name="Ida", password="")


def test_a_stranger_cannot_fill_the_disk(client: Client, db: None) -> None:
    body = (
        b"--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" + b"0" * (2 * 1024**2) + b"\r\n--x--\r\n"
    )
    for name in ("account_login", "registrations:register", "account_reset_password"):
        answer = client.post(reverse(name), body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == 400, name


def test_fields_have_the_same_words_on_every_page_and_say_them_once(client: Client, alice: User) -> None:
    sign_in_page, forgotten = (client.get(reverse(name)).text for name in ("account_login", "account_reset_password"))
    client.force_login(alice)
    change = client.get(reverse("account_change_password")).text
    chosen = Client().get(services.password_link(alice), follow=True).text
    for text, label in (
        (sign_in_page, "E-mail address"),
        (forgotten, "E-mail address"),
        (change, "Current password"),
        (chosen, "New password again"),
    ):
        assert f">{label}<" in text
        assert "placeholder" not in text.partition("<main")[2].partition("</main>")[0]
