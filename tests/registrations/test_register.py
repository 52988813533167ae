"""The form for a new project, as strangers and as people who are signed in send it."""

import html
from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from apps.accounts import terms
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core import mail
from apps.registrations import decisions, limits, links
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.registrations.conftest import Make, answers, without

pytestmark = pytest.mark.django_db
Status = Registration.Status
REGISTER = "/register/"
SENT = "/register/sent/"


def test_a_stranger_asks_and_gets_a_mail_with_the_private_link(
    client: Client, mailoutbox: list[EmailMessage], private_link: Callable[[str], str]
) -> None:
    assert client.get(REGISTER).status_code == 200
    answer = client.post(REGISTER, answers())
    assert (answer.status_code, answer["Location"]) == (302, SENT)
    registration = Registration.objects.get()
    assert (registration.status, registration.namespace) == (Status.SUBMITTED, "prostate-atlas")
    assert (registration.cpus, registration.storage_gib) == (32, 500)
    assert not registration.reserved_skeleton
    assert private_link("ida.berg@uni.example") == links.path_of(registration)
    assert Entry.objects.filter(action="registration.submitted", address="127.0.0.1").exists()


def test_the_first_mail_carries_no_words_of_a_stranger(client: Client, mailoutbox: list[EmailMessage]) -> None:
    words = ("Free iPhones at evil.example", "Buy now", "evil-name", "Dr Evil")
    client.post(
        REGISTER,
        answers(name=words[0], project_name=words[1], namespace=words[2], principal_investigator=words[3]),
    )
    mail.sweep()
    text = mailoutbox[0].subject + mailoutbox[0].body
    assert not [word for word in words if word in text]


def test_known_and_unknown_addresses_get_equal_answers(client: Client, alice: User) -> None:
    answered = [
        client.post(REGISTER, answers(email=email, namespace=namespace))
        for email, namespace in ((alice.email, "one"), ("nobody@uni.example", "two"))
    ]
    assert [(answer.status_code, answer["Location"]) for answer in answered] == [(302, SENT)] * 2
    assert "uni.example" not in client.get(SENT).text


def test_somebody_signed_in_asks_under_the_account(
    alice: User, client_of: ClientOf, approver: User, mailoutbox: list[EmailMessage]
) -> None:
    client = client_of(alice)
    refused = client.post(REGISTER, answers(name="Mallory", email="mallory@evil.example"))
    assert "has no field &#x27;email&#x27;" in refused.text
    answer = client.post(REGISTER, without(answers(), "name", "email"))
    registration = Registration.objects.get()
    assert answer["Location"] == links.path_of(registration)
    assert (registration.status, registration.submitted_by) == (Status.EMAIL_VERIFIED, alice)
    assert (registration.name, registration.email) == ("Alice", alice.email)
    assert registration.reserved_skeleton
    mail.sweep()
    to_approver, to_alice = mailoutbox
    assert (to_approver.to, to_alice.to) == ([approver.email], [alice.email])
    assert links.path_of(registration) in to_alice.body


@pytest.mark.parametrize("form", [REGISTER, f"{REGISTER}join/"])
def test_what_the_account_knows_stands_in_the_form(alice: User, client_of: ClientOf, form: str) -> None:
    User.objects.filter(pk=alice.pk).update(affiliation="Karolinska", position="Radiologist")
    page = client_of(alice).get(form).text
    assert 'value="Karolinska"' in page
    assert 'value="Radiologist"' in page


def test_a_form_with_errors_keeps_what_was_written(client: Client) -> None:
    page = client.post(REGISTER, answers(cpus=0)).text
    assert "Zonal segmentation" in page
    assert 'value="prostate-atlas"' in page
    assert "1 field below needs your attention" in page


def test_markup_in_every_field_is_text(client: Client, admin: User, client_of: ClientOf) -> None:
    mark = "<img src=x onerror=alert(1)>\"'{{7*7}}"
    texts = ("name", "affiliation", "purpose", "project_name", "description", "principal_investigator")
    answer = client.post(REGISTER, answers(**dict.fromkeys(texts, mark)))
    assert answer.status_code == 302
    registration = Registration.objects.get()
    console = client_of(admin)
    pages = [
        client.get(links.path_of(registration)),
        console.get("/approvals/", {"status": "", "q": ""}),
        console.get(f"/approvals/{registration.pk}/"),
        client.post(REGISTER, answers(**dict.fromkeys(texts, mark), cpus=0)),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "&lt;img src=x onerror" in page.text
        assert "<img src=x" not in page.text


def test_one_mailbox_gets_few_mails_an_hour(client: Client) -> None:
    for number in range(limits.REQUESTS_A_MAILBOX):
        assert client.post(REGISTER, answers(namespace=f"n-{number}")).status_code == 302
    refused = client.post(REGISTER, answers(email="Ida.Berg@uni.example", namespace="another"))
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    assert "Nothing was stored" in refused.text
    assert Registration.objects.count() == limits.REQUESTS_A_MAILBOX
    assert client.post(REGISTER, answers(email="else@uni.example", namespace="another")).status_code == 302


def test_one_client_asks_few_times_an_hour(client: Client) -> None:
    def ask(number: int, address: str) -> int:
        sent = answers(email=f"{number}@uni.example", namespace=f"n-{number}")
        return client.post(REGISTER, sent, REMOTE_ADDR=address).status_code

    network = [ask(number, f"2001:db8::{number:x}") for number in range(limits.REQUESTS_A_CLIENT + 1)]
    assert network == [302] * limits.REQUESTS_A_CLIENT + [429]
    assert ask(100, "2001:db8:0:1::1") == 302
    assert ask(101, "192.0.2.1") == 302


def test_a_form_without_its_token_is_refused() -> None:
    assert Client(enforce_csrf_checks=True).post(REGISTER, answers()).status_code == 403


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert getattr(client, method)(REGISTER).status_code == 405
    assert getattr(client, method)(SENT).status_code == 405
    assert client.post(SENT).status_code == 405


def test_terms_that_are_not_accepted_send_nothing(client: Client) -> None:
    refused = client.post(REGISTER, without(answers(), "terms"))
    assert "Nothing is sent unless you accept the terms" in refused.text
    client.post(REGISTER, answers())
    registration = Registration.objects.get()
    assert registration.terms_version == terms.VERSION
    assert registration.terms_accepted_at is not None
    assert all(sentence[:30] in html.unescape(client.get("/terms/").text) for _, sentence in terms.TERMS)


def test_new_terms_are_accepted_when_the_request_is_edited(
    client: Client, waiting: Make, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = waiting()
    before = registration.terms_accepted_at
    decisions.ask_for_changes(registration, message="Why?", by=approver)
    monkeypatch.setattr(terms, "VERSION", "2099-01")
    path = f"{links.path_of(registration)}edit/"
    assert "terms" in client.post(path, without(answers(), "terms")).context["form"].errors
    client.post(path, answers())
    registration.refresh_from_db()
    assert registration.terms_version == "2099-01"
    assert registration.terms_accepted_at is not None
    assert before is not None
    assert registration.terms_accepted_at > before
