"""The outbox: administrators see what went, what waits and what was given up, and have it sent again."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.core.mail import EmailMessage

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core import mail as mails
from apps.core.models import Mail
from tests.conftest import ClientOf
from tests.queries import cost_of

SECRET = "https://maia.example/requests/private-link/"
pytestmark = pytest.mark.django_db


def make_mail(status: str = Mail.Status.QUEUED, **fields: Any) -> Mail:
    return Mail.objects.create(
        **{"to": "ida@uni.example", "subject": "Ready", "text": SECRET, "status": status, **fields}
    )


def test_each_state_is_told_in_words(admin: User, client_of: ClientOf) -> None:
    for status in Mail.Status.values:
        make_mail(status, subject=f"It is {status}")
    page = client_of(admin).get("/outbox/").text
    for word in ("Waits", "Is being sent", "Sent", "Given up"):
        assert word in page
    assert "4 mails" in page


def test_a_failing_mail_says_why_and_when_it_is_tried_again(
    admin: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(message: EmailMessage) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailMessage, "send", send)
    mails.deliver(make_mail())
    page = client_of(admin).get("/outbox/").text
    assert "The mail server cannot be reached." in page
    assert "1 attempt, the next at" in page


def test_texts_are_shown_only_where_there_is_no_mail_server(admin: User, client_of: ClientOf, settings: Any) -> None:
    make_mail()
    assert SECRET in client_of(admin).get("/outbox/").text
    settings.OUTBOX_DIR = None
    page = client_of(admin).get("/outbox/").text
    assert "ida@uni.example" in page
    assert SECRET not in page


def test_the_text_of_a_mail_that_went_is_read_from_its_file(admin: User, client_of: ClientOf) -> None:
    row = make_mail(Mail.Status.SENT, text="")
    (Path(portal.OUTBOX_DIR) / f"mail-{row.pk}.eml").write_text("Subject: Ready\n\nWhat it said.\n")
    assert "What it said." in client_of(admin).get("/outbox/").text


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=ida", ["One"]), ("q=two bo", ["Two"]), ("status=failed", ["Two"]), ("q=nobody", []), ("status=x", [])],
)
def test_mails_are_found_by_recipient_subject_and_state(
    admin: User, client_of: ClientOf, query: str, found: list[str]
) -> None:
    make_mail(subject="One")
    make_mail(Mail.Status.FAILED, to="bob@uni.example", subject="Two")
    page = client_of(admin).get(f"/outbox/?{query}").text
    expected = ["One", "Two"] if query == "status=x" else found
    assert [subject for subject in ("One", "Two") if f"<b>{subject}</b>" in page] == expected


def test_a_mail_that_was_given_up_is_sent_again_once(
    admin: User, client_of: ClientOf, mailoutbox: list[EmailMessage]
) -> None:
    row, client = make_mail(Mail.Status.FAILED, attempts=9), client_of(admin)
    said = [client.post(f"/outbox/{row.pk}/send-again/", follow=True).text for _ in range(2)]
    assert "The mail is sent again." in said[0]
    assert "not one that was given up" in said[1]
    mails.sweep()
    assert [message.to for message in mailoutbox] == [["ida@uni.example"]]
    entry = Entry.objects.get(action="mail.sent_again")
    assert (entry.actor_pk, entry.subject_pk) == (admin.pk, row.pk)


def test_all_that_was_given_up_is_sent_again_once(
    admin: User, client_of: ClientOf, mailoutbox: list[EmailMessage]
) -> None:
    client = client_of(admin)
    make_mail(Mail.Status.SENT)
    assert "given up again" not in client.get("/outbox/").text
    for address in ("ida@uni.example", "bob@uni.example"):
        make_mail(Mail.Status.FAILED, to=address, attempts=9)
    assert "Send all 2 given up again" in client.get("/outbox/").text
    said = [client.post("/outbox/send-again/", follow=True).text for _ in range(2)]
    assert "2 mails are sent again." in said[0]
    assert "No mail is given up" in said[1]
    mails.sweep()
    assert [message.to for message in mailoutbox] == [["ida@uni.example"], ["bob@uni.example"]]
    entry = Entry.objects.get(action="mail.all_sent_again")
    assert (entry.actor_pk, entry.detail) == (admin.pk, {"mails": 2})


def test_nobody_else_reads_or_sends(support: User, approver: User, alice: User, client_of: ClientOf) -> None:
    row = make_mail(Mail.Status.FAILED)
    for person in (support, approver, alice):
        assert client_of(person).get("/outbox/").status_code == 404
        for address in (f"/outbox/{row.pk}/send-again/", "/outbox/send-again/"):
            assert client_of(person).post(address).status_code == 404
        assert 'href="/outbox/"' not in client_of(person).get("/").text
    assert Mail.objects.get().status == Mail.Status.FAILED


def test_sending_again_is_no_link(admin: User, client_of: ClientOf) -> None:
    row = make_mail(Mail.Status.FAILED)
    for address in (f"/outbox/{row.pk}/send-again/", "/outbox/send-again/"):
        assert client_of(admin).get(address).status_code == 405


def test_ten_more_mails_cost_no_more_queries(admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    make_mail()
    before = cost_of(client, "/outbox/")
    for _ in range(10):
        make_mail()
    assert cost_of(client, "/outbox/") == before
