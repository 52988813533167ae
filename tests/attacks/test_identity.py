"""Tokens that are not what they have to be, and people who would be somebody else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from apps.accounts.identities import connect, note_reading
from apps.accounts.models import Identity, User
from apps.projects.models import Membership, Project
from tests.accounts.issuer import OTHER_KEY, Issuer, Sign, public_pem, rs256, running_issuer
from tests.accounts.keycloak_mode import use_keycloak

pytestmark = [pytest.mark.attacks, pytest.mark.django_db]
LONG_AGO, FAR_AHEAD = 1_600_000_000, 4_000_000_000


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, algorithm="none", headers={"kid": "known"})


def by_public_key(claims: dict[str, Any]) -> str:
    """HS256 with what everybody can read as the secret."""
    encode = jwt.utils.base64url_encode
    head = encode(b'{"alg":"HS256","typ":"JWT","kid":"known"}')
    payload = jwt.encode(claims, "x" * 32, algorithm="HS256").split(".")[1].encode()
    signed = head + b"." + payload
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return (signed + b"." + encode(algorithm.sign(signed, public_pem()))).decode()


def by_the_clients_secret(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "the client's secret".ljust(32), algorithm="HS256", headers={"kid": "known"})


@pytest.fixture(scope="module")
def _issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(_issuer: Issuer, settings: LazySettings) -> Issuer:
    _issuer.sign, _issuer.token_status = rs256(), 200
    use_keycloak(settings, KEYCLOAK_URL=_issuer.url)
    return _issuer


def assert_refused(client: Client, answer: Any) -> None:
    assert answer.status_code == 403
    assert "You are not signed in" in answer.text
    assert client.get("/account/").status_code == 302
    assert not User.objects.exists()


def test_an_honest_token_signs_in_and_the_code_was_bound_to_this_browser(client: Client, issuer: Issuer) -> None:
    assert issuer.sign_in(client).status_code == 302
    assert client.get("/account/").status_code == 200
    assert len(issuer.asked[-1]["code_verifier"]) >= 43
    assert issuer.asked[-1]["redirect_uri"].endswith("/account/keycloak/callback/")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://127.0.0.1:1/realms/maia"},
        {"iss": ""},
        {"aud": "another-client"},
        {"aud": []},
        {"aud": ["maia", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"nonce": "another"},
        {"nonce": ""},
        {"exp": LONG_AGO},
        {"exp": "never"},
        {"iat": FAR_AHEAD},
        {"nbf": FAR_AHEAD},
        {"sub": 7},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_for_another_purpose_is_refused(client: Client, issuer: Issuer, claims: dict[str, Any]) -> None:
    assert_refused(client, issuer.sign_in(client, **claims))


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "sub", "nonce"])
def test_a_token_that_leaves_something_out_is_refused(client: Client, issuer: Issuer, name: str) -> None:
    assert_refused(client, issuer.sign_in(client, without=(name,)))


def test_two_audiences_need_a_party(client: Client, issuer: Issuer) -> None:
    assert_refused(client, issuer.sign_in(client, aud=["maia", "other"], without=("azp",)))


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        by_public_key,
        by_the_clients_secret,
        rs256(OTHER_KEY),
        rs256(kid="unknown"),
        lambda claims: "no token",
        lambda claims: None,
        lambda claims: {"alg": "RS256"},
    ],
    ids=["none", "public key", "client's secret", "another key", "unknown key", "junk", "nothing", "object"],
)
def test_a_token_that_the_realm_did_not_sign_is_refused(client: Client, issuer: Issuer, sign: Sign) -> None:
    issuer.sign = sign
    assert_refused(client, issuer.sign_in(client))


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_unverified_address_is_refused(client: Client, issuer: Issuer, verified: object) -> None:
    answer = issuer.sign_in(client, email_verified=verified)
    assert_refused(client, answer)
    assert "has not verified your e-mail address" in answer.text


@pytest.mark.parametrize("groups", [["/MAIA:users"], ["/MAIA:admin"], []])
def test_another_subject_with_the_same_address_takes_nothing_over(
    client: Client, issuer: Issuer, alice: User, project: Project, groups: list[str]
) -> None:
    answer = issuer.sign_in(client, email=alice.email.upper(), groups=groups)
    assert answer.status_code == 403
    assert client.get("/account/").status_code == 302
    assert not Identity.objects.exists()
    connect(alice, issuer=issuer.name, subject="hers")
    assert issuer.sign_in(client, email=alice.email, groups=groups).status_code == 403
    assert Identity.objects.get().subject == "hers"
    alice.refresh_from_db()
    assert not alice.is_administrator


def test_the_same_subject_of_another_realm_is_somebody_else(client: Client, issuer: Issuer, alice: User) -> None:
    connect(alice, issuer="https://elsewhere.example/realms/maia", subject="ida's subject")
    issuer.sign_in(client)
    assert User.objects.get(email="ida@uni.example") != alice
    assert client.get("/account/").context["request"].user.email == "ida@uni.example"


def test_a_changed_address_is_still_the_same_person(client: Client, issuer: Issuer, alice: User, bob: User) -> None:
    connect(alice, issuer=issuer.name, subject="hers")
    issuer.sign_in(client, sub="hers", email=bob.email)
    assert client.get("/account/").context["request"].user == alice


def test_signing_in_does_not_activate(client: Client, issuer: Issuer, alice: User) -> None:
    connect(alice, issuer=issuer.name, subject="hers")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    answer = issuer.sign_in(client, sub="hers", email=alice.email, groups=["/MAIA:admin"])
    assert "deactivated" in answer.text
    alice.refresh_from_db()
    assert (alice.is_active, alice.is_administrator) == (False, False)
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize(
    "groups",
    [
        ["/maia:admin", "/MAIA:Admin", "/MAIA:admin ", "//MAIA:admin", "/MAIA:admin\n", "/MAIA:admin:owner", "/admin"],
        ["/MAIA:cardiac-mr ", "/MAIA:Cardiac-MR", "/MAIA:cardiac-mr:admin", "/xMAIA:cardiac-mr"],
        ["/MAIA:cardiac-mr::owner", "/MAIA:cardiac-mr\n", "/MAIA:cardiac%", "/MAIA:", "/MAIA:cardiac-mr:member"],
        ["/MAIA:cardiac-mr:owner:owner", "/MAIA:cardiac-mr\u200b", "/MAIA\uff1acardiac-mr", "/MAIA:c\u0430rdiac-mr"],
        ["/students/MAIA:admin", "/MAIA:users/MAIA:cardiac-mr:owner", "/MAIA:admin/", "MAIA:admin", "/x~/MAIA:admin"],
        [["/MAIA:admin"], {"/MAIA:admin": 1}, None, 7],
        "/MAIA:admin",
        {"/MAIA:admin": True},
        None,
    ],
    ids=str,
)
def test_only_the_exact_group_gives_a_role(
    client: Client, issuer: Issuer, project: Project, charlie: User, groups: object
) -> None:
    connect(charlie, issuer=issuer.name, subject="his")
    assert issuer.sign_in(client, sub="his", email=charlie.email, groups=groups).status_code == 302
    charlie.refresh_from_db()
    assert not charlie.is_administrator
    assert not Membership.objects.filter(user=charlie).exists()


def test_a_project_called_as_a_platform_group_gives_nobody_anything(
    client: Client, issuer: Issuer, make_project: Any, charlie: User
) -> None:
    for namespace in ("users", "admin"):
        make_project(namespace)
    connect(charlie, issuer=issuer.name, subject="his")
    issuer.sign_in(client, sub="his", email=charlie.email, groups=["/MAIA:users", "/MAIA:admin"])
    assert not Membership.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": "a code"},
        {"code": "a code", "state": "guessed"},
        {"state": "guessed", "error": "access_denied"},
        {"error": "<script>alert(1)</script>"},
    ],
)
def test_a_way_back_that_nobody_began_leads_nowhere_and_signs_nobody_out(
    client: Client, issuer: Issuer, query: dict[str, str], alice: User
) -> None:
    client.force_login(alice)
    answer = client.get("/account/keycloak/callback/", query)
    assert answer.status_code == 403
    assert "<script>alert" not in answer.text
    assert client.get("/account/").status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_signing_in_never_leads_to_another_host(client: Client, issuer: Issuer, target: str) -> None:
    assert target not in client.get("/account/login/", {"next": target}).text
    client.post("/account/keycloak/start/", {"next": target})
    assert client.session["oidc_login_next"] == "/"


def test_the_host_of_a_request_does_not_say_where_the_code_goes(client: Client, issuer: Issuer) -> None:
    begun = client.post("/account/keycloak/start/", headers={"host": "localhost:9999"})
    assert "9999" not in begun["Location"]


def test_who_was_refused_may_be_somebody_else_next_time(client: Client, issuer: Issuer) -> None:
    assert 'name="again"' in issuer.sign_in(client, groups=[]).text
    assert "prompt=login" in client.post("/account/keycloak/start/", {"again": "1"})["Location"]
    assert "prompt" not in client.post("/account/keycloak/start/")["Location"]


def test_keycloak_is_not_asked_without_end(client: Client, issuer: Issuer) -> None:
    answers = {client.post("/account/keycloak/start/").status_code for _ in range(40)}
    assert answers == {302, 429}


def test_beginning_is_no_get_and_needs_the_pages_own_token(issuer: Issuer) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.get("/account/keycloak/start/").status_code == 405
    assert client.post("/account/keycloak/start/").status_code == 403


@pytest.mark.parametrize(("status", "expected"), [(400, 403), (401, 403), (500, 503), (503, 503)])
def test_what_the_token_endpoint_refuses_is_said(client: Client, issuer: Issuer, status: int, expected: int) -> None:
    issuer.token_status = status
    assert issuer.sign_in(client).status_code == expected
    assert not User.objects.exists()


def test_a_session_that_somebody_planted_is_not_the_one_signed_in(client: Client, issuer: Issuer) -> None:
    client.post("/account/keycloak/start/")
    planted = client.session.session_key
    issuer.sign_in(client)
    assert client.session.session_key != planted


def test_who_was_disabled_in_keycloak_meanwhile_is_not_signed_in(client: Client, issuer: Issuer, alice: User) -> None:
    hers = connect(alice, issuer=issuer.name, subject="hers")
    note_reading(hers, [], is_enabled=False, read_at=timezone.now() + timedelta(minutes=1))
    answer = issuer.sign_in(client, sub="hers", email=alice.email)
    assert "disabled in Keycloak" in answer.text
    assert client.get("/account/").status_code == 302


def test_who_is_deactivated_here_is_signed_in_no_more(client: Client, issuer: Issuer) -> None:
    issuer.sign_in(client)
    assert client.get("/account/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/account/").status_code == 302
    assert client.get("/api/v1/projects/").status_code in (401, 403)
