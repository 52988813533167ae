"""API tokens by the API: made with a session alone, listed without secrets, revoked."""

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import ApiToken, User
from apps.audit.models import Entry
from tests.conftest import ClientOf
from tests.queries import cost_of

TOKENS = "/api/v1/tokens/"
WISH = {"name": "nightly", "days": 30, "scopes": ["read"]}


def make(client: Client, **changed: object) -> object:
    return client.post(TOKENS, {**WISH, **changed}, content_type="application/json")


def test_a_token_is_made_and_its_secret_shown_once(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    answer = make(client)
    assert answer.status_code == 201  # type: ignore[attr-defined]
    made = answer.json()  # type: ignore[attr-defined]
    token = services.use_token(made["secret"])
    assert token is not None
    assert (token.user, token.scopes) == (alice, ["read"])
    (listed,) = client.get(TOKENS).json()["results"]
    assert listed.keys() == {"id", "name", "scopes", "created_at", "expires_at", "last_used_at"}
    assert made["secret"] not in client.get(TOKENS).text


@pytest.mark.parametrize(
    "changed",
    [{"days": 0}, {"days": 366}, {"days": "x"}, {"scopes": []}, {"scopes": ["all"]}, {"name": ""}, {"user": 1}],
)
def test_a_wish_that_cannot_be_is_refused(alice: User, client_of: ClientOf, changed: dict[str, object]) -> None:
    assert make(client_of(alice), **changed).status_code == 422  # type: ignore[attr-defined]
    assert not ApiToken.objects.exists()


@pytest.mark.attacks
def test_a_token_makes_no_token(alice: User) -> None:
    _, secret = services.make_token(alice, name="script", days=1)
    answer = make(Client(headers={"Authorization": f"Bearer {secret}"}))
    assert answer.status_code == 403  # type: ignore[attr-defined]
    assert ApiToken.objects.count() == 1


def test_a_token_revokes_itself(alice: User) -> None:
    token, secret = services.make_token(alice, name="script", days=1)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert client.delete(f"{TOKENS}{token.pk}/").status_code == 204
    assert client.get(TOKENS).status_code == 401
    assert Entry.objects.filter(action="token.revoked", actor_pk=alice.pk).count() == 1


def test_others_tokens_are_not_there(alice: User, charlie: User, client_of: ClientOf) -> None:
    token, secret = services.make_token(alice, name="script", days=1)
    client = client_of(charlie)
    assert client.get(TOKENS).json()["results"] == []
    assert client.delete(f"{TOKENS}{token.pk}/").status_code == 404
    assert services.use_token(secret)


def test_the_list_costs_the_same_for_more_tokens(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    services.make_token(alice, name="first", days=1)
    before = cost_of(client, TOKENS)
    for number in range(10):
        services.make_token(alice, name=str(number), days=1)
    assert cost_of(client, TOKENS) == before
