"""Nobody learns from an answer, or from the work behind it, whether an e-mail address has an account."""

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import User
from apps.core.models import Mail
from apps.registrations.models import Registration
from tests.registrations.conftest import answers

NOBODY = "nobody@hospital.example"
EACH_TIME = ("X-Request-ID", "Set-Cookie", "Expires", "Retry-After")
pytestmark = [pytest.mark.attacks, pytest.mark.django_db]


@pytest.fixture
def addresses(alice: User, bob: User) -> dict[str, str]:
    """An address of each kind, all equally long."""
    fresh = services.ensure_account(email="fresh@hospital.example", name="Without password", affiliation="")
    User.objects.filter(pk=bob.pk).update(is_active=False, email="ended@hospital.example")
    for email in (alice.email, "ended@hospital.example"):
        services.ensure_account(email=email, name="", affiliation="")
    return {"known": alice.email, "without password": fresh.email, "deactivated": "ended@hospital.example"}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was put through the slow function of passwords, one entry each time."""
    runs: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        runs.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return runs


def comparable(answer: Any, email: str) -> tuple[int, dict[str, str], str]:
    """The whole answer without what differs each time (tokens, ids), and without the address that was sent in."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.text).replace(email, "…")
    headers = {name: value for name, value in answer.headers.items() if name not in EACH_TIME}
    return answer.status_code, headers | {"Content-Length": ""}, text


def post(path: str, address: str, **fields: object) -> tuple[int, dict[str, str], str]:
    return comparable(Client().post(path, fields), address)


def test_a_wrong_password_is_answered_alike(addresses: dict[str, str]) -> None:
    path = reverse("account_login")
    expected = post(path, NOBODY, login=NOBODY, password="wrong")
    for kind, email in addresses.items():
        assert post(path, email, login=email, password="wrong") == expected, kind


def test_a_wrong_password_is_worked_at_alike(addresses: dict[str, str], hashed: list[str]) -> None:
    for email in (NOBODY, *addresses.values()):
        hashed.clear()
        post(reverse("account_login"), email, login=email, password="wrong")
        assert len(hashed) == 1, email


def test_a_wrong_password_is_written_down_alike(addresses: dict[str, str]) -> None:
    written = {}
    for email in (NOBODY, addresses["known"]):
        with CaptureQueriesContext(connection) as queries:
            post(reverse("account_login"), email, login=email, password="wrong")
        written[email] = [query["sql"].split('" ')[0] for query in queries if query["sql"].startswith("INSERT")]
    assert 'INSERT INTO "audit_entry' in written[NOBODY]
    assert written[NOBODY] == written[addresses["known"]]


def test_the_fifth_is_answered_and_worked_at_alike(addresses: dict[str, str], hashed: list[str]) -> None:
    path, seen = reverse("account_login"), []
    for email in (NOBODY, addresses["known"]):
        for _ in range(5):
            post(path, email, login=email, password="wrong")
        hashed.clear()
        status, _, text = post(path, email, login=email, password="wrong")
        seen.append((status, re.sub(r"\d\d:\d\d", "", text), list(hashed)))
    assert seen[0] == seen[1]
    assert seen[0][2] == [], "a locked address costs no hash, whether somebody has it or not"


def test_a_forgotten_password_is_answered_alike(addresses: dict[str, str], hashed: list[str]) -> None:
    path = reverse("account_reset_password")
    expected = post(path, NOBODY, email=NOBODY)
    for kind, email in addresses.items():
        assert post(path, email, email=email) == expected, kind
    assert hashed == []


def test_a_forgotten_password_is_worked_at_alike(addresses: dict[str, str], mailoutbox: list[EmailMessage]) -> None:
    """One mail is written in both cases, and sent by a task."""
    written = {}
    for email in (NOBODY, addresses["known"]):
        with CaptureQueriesContext(connection) as queries:
            post(reverse("account_reset_password"), email, email=email)
        written[email] = [query["sql"].split('" ')[0] for query in queries if query["sql"].startswith("INSERT")]
        assert Mail.objects.filter(to=email).count() == 1
    assert written[NOBODY] == written[addresses["known"]]
    assert mailoutbox == []


def test_a_stranger_sends_nobody_more_than_a_few_mails(alice: User) -> None:
    for _ in range(8):
        last = Client().post(reverse("account_reset_password"), {"email": alice.email})
    assert Mail.objects.filter(to=alice.email).count() == 5
    assert last.status_code == 429
    assert "those that were sent before still work" in last.text


def test_a_request_is_answered_and_worked_at_alike(addresses: dict[str, str], hashed: list[str]) -> None:
    path, seen = reverse("registrations:register"), []
    for namespace, email in (("first-atlas", NOBODY), ("other-atlas", addresses["known"])):
        answer = Client().post(path, answers(email=email, namespace=namespace), follow=True)
        seen.append((answer.redirect_chain, *comparable(answer, email)))
    assert seen[0] == seen[1]
    assert seen[0][0], "both were taken"
    letters = [
        re.sub(r"/requests/\S+", "", mail.text).replace(mail.to, "…") for mail in Mail.objects.order_by("pk").all()
    ]
    assert letters[0] == letters[1]
    assert Registration.objects.count() == 2
    assert hashed == []
