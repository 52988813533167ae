"""API tokens: shown once, kept as a hash, refused when revoked, expired or of somebody who may no longer come in."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiToken, User
from apps.audit.models import Entry
from apps.core.models import Mail
from tests.conftest import ClientOf


def make(client: Client, **fields: object) -> str:
    """Makes a token on the page and returns the secret that it shows."""
    page = client.post(reverse("accounts:make_token"), {"name": "nightly", "days": 30, "scopes": ["read"], **fields})
    found = re.search(r"maia_[\w-]{43}", page.text)
    assert found, page.text
    return found[0]


def test_a_token_opens_as_its_person_and_is_shown_once(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    secret = make(client)
    token = services.use_token(secret)
    assert token is not None
    assert (token.user, token.name) == (alice, "nightly")
    assert secret not in client.get(reverse("accounts:account")).text
    assert not ApiToken.objects.filter(digest__contains=secret).exists()
    assert Entry.objects.filter(action="token.made", actor_pk=alice.pk).exists()


def test_the_page_with_a_secret_is_stored_nowhere(alice: User, client_of: ClientOf) -> None:
    sent = {"name": "nightly", "days": 30, "scopes": ["read"]}
    page = client_of(alice).post(reverse("accounts:make_token"), sent)
    assert "maia_" in page.text
    assert page["Cache-Control"] == "no-store"


def test_the_scheme_is_read_as_the_standard_has_it(alice: User) -> None:
    """RFC 9110 11.1: the name of a scheme is not case-sensitive; another scheme is none of ours."""
    _, secret = services.make_token(alice, name="script", days=1)
    for header, status in (
        (f"bearer {secret}", 200),
        (f"BEARER  {secret}", 200),
        (f"Basic {secret}", 401),
        (secret, 401),
    ):
        assert Client(headers={"Authorization": header}).get("/api/v1/projects/").status_code == status, header


def test_the_person_is_told_by_mail(alice: User, client_of: ClientOf) -> None:
    secret = make(client_of(alice), scopes=["read", "images:store"])
    told = Mail.objects.get(to=alice.email)
    assert told.subject == "An API token was added to your account"
    at = ApiToken.objects.get().created_at
    for said in ('"nightly"', "read, images:store", f"at {at:%H:%M} UTC, from 127.0.0.1", "If it was not you"):
        assert said in told.text
    assert secret not in told.text


def test_what_a_token_is_called_adds_no_line_to_the_mail(alice: User, client_of: ClientOf) -> None:
    sent = {"name": "x\n\nAll is well.", "days": 30, "scopes": ["read"]}
    client = client_of(alice)
    assert "on one line" in client.post(reverse("accounts:make_token"), sent).text
    answer = client.post(reverse("accounts_api:tokens"), sent, content_type="application/json")
    assert answer.status_code == 422
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("days", ["0", "-1", "366", "many", ""])
def test_a_token_lasts_a_year_at_most(alice: User, client_of: ClientOf, days: str) -> None:
    client_of(alice).post(reverse("accounts:make_token"), {"name": "nightly", "days": days, "scopes": ["read"]})
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "admin"]])
def test_a_token_needs_scopes_that_there_are(alice: User, client_of: ClientOf, scopes: list[str]) -> None:
    client_of(alice).post(reverse("accounts:make_token"), {"name": "nightly", "days": 1, "scopes": scopes})
    assert not ApiToken.objects.exists()


def test_a_revoked_token_opens_nothing(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    secret = make(client)
    revoke = reverse("accounts:revoke_token", args=[ApiToken.objects.get().pk])
    assert client.get(revoke).status_code == 405
    assert client.post(revoke).status_code == 302
    assert services.use_token(secret) is None
    assert client.post(revoke).status_code == 404


def test_somebody_elses_token_cannot_be_revoked(alice: User, charlie: User, client_of: ClientOf) -> None:
    token, secret = services.make_token(alice, name="hers", days=1)
    assert client_of(charlie).post(reverse("accounts:revoke_token", args=[token.pk])).status_code == 404
    assert services.use_token(secret)


def test_an_expired_token_opens_nothing(alice: User) -> None:
    token, secret = services.make_token(alice, name="old", days=1)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.use_token(secret) is None


def test_the_token_of_a_deactivated_person_opens_nothing(alice: User) -> None:
    _, secret = services.make_token(alice, name="old", days=1)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert services.use_token(secret) is None


def test_using_a_token_often_writes_rarely(alice: User, django_assert_num_queries: Callable[..., object]) -> None:
    _, secret = services.make_token(alice, name="often", days=1)
    services.use_token(secret)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        services.use_token(secret)


def test_a_name_is_shown_as_text(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    make(client, name="<script>alert(1)</script>")
    assert "<script>alert" not in client.get(reverse("accounts:account")).text


def test_the_command_prints_a_token(alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("api_token", alice.email)
    token = services.use_token(capsys.readouterr().out.strip().splitlines()[-1])
    assert token is not None
    assert token.user == alice
    assert not Mail.objects.exists(), "it is for a machine"
    assert Entry.objects.get(action="token.made").actor_pk is None


def test_the_command_makes_a_token_of_some_scopes(alice: User) -> None:
    call_command("api_token", alice.email, "--scope", "images:store", "--scope", "read")
    assert ApiToken.objects.get().scopes == ["read", "images:store"]


@pytest.mark.parametrize("days", ["0", "366", "many"])
def test_the_command_makes_none_that_does_not_open_or_lasts_too_long(alice: User, days: str) -> None:
    with pytest.raises(CommandError, match="days"):
        call_command("api_token", alice.email, "--days", days)
    assert not ApiToken.objects.exists()


def test_the_command_refuses_a_stranger(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("api_token", "nobody@hospital.example")
