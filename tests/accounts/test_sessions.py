"""The list of one's sessions: what is open where, ending one, signing out everywhere."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.sessions import device_of
from apps.audit.models import Entry
from apps.core.models import Mail
from tests.conftest import PASSWORD
from tests.queries import cost_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SESSIONS = "/account/sessions/"


def signed_in(user: User, address: str = "192.0.2.10", agent: str = FIREFOX) -> Client:
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "A program"),
        ("<script>alert(1)</script>", "A program"),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent: str, device: str) -> None:
    assert device_of(agent) == device


def test_each_browser_is_listed_with_address_and_the_own_one_marked(alice: User, bob: User) -> None:
    here, there = signed_in(alice), signed_in(alice, "198.51.100.7", "curl/8.5.0")
    signed_in(bob)
    shown = here.get(SESSIONS).context["sessions"]
    assert [(one.device, one.address, one.is_this) for one in shown] == [
        ("curl", "198.51.100.7", False),
        ("Firefox on Linux", "192.0.2.10", True),
    ]
    assert is_in(there)


def test_one_session_is_ended_and_the_others_stay(alice: User) -> None:
    here, there = signed_in(alice), signed_in(alice, "198.51.100.7")
    (other,) = [one for one in here.get(SESSIONS).context["sessions"] if not one.is_this]
    path = reverse("accounts:end_session", args=[other.pk])
    assert here.get(path).status_code == 405
    assert "is signed out" in here.post(path, follow=True).text
    assert (is_in(here), is_in(there)) == (True, False)
    assert here.post(path).status_code == 404
    assert Entry.objects.filter(action="session.ended", actor_pk=alice.pk).count() == 1


def test_nobody_ends_anothers_session(alice: User, bob: User) -> None:
    hers = signed_in(alice)
    path = reverse("accounts:end_session", args=[UserSession.objects.get(user=alice).pk])
    assert signed_in(bob).post(path).status_code == 404
    assert is_in(hers)


def test_signing_out_everywhere_ends_all_sessions_and_only_ones_own(alice: User, bob: User) -> None:
    browsers, his = [signed_in(alice), signed_in(alice, "198.51.100.7")], signed_in(bob)
    assert "You are signed out everywhere." in browsers[0].post(reverse("accounts:end_all_sessions"), follow=True).text
    assert [is_in(browser) for browser in browsers] == [False, False]
    assert is_in(his)
    assert not Mail.objects.exists()
    again = signed_in(alice)
    assert [one.is_this for one in again.get(SESSIONS).context["sessions"]] == [True]


def test_a_session_that_has_expired_is_not_listed(alice: User) -> None:
    signed_in(alice)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    here = signed_in(alice)
    assert len(here.get(SESSIONS).context["sessions"]) == 1


def test_the_list_costs_the_same_for_more_sessions(alice: User) -> None:
    here = signed_in(alice)
    before = cost_of(here, SESSIONS)
    for _ in range(5):
        signed_in(alice)
    assert cost_of(here, SESSIONS) == before


def test_a_new_password_ends_the_other_sessions(alice: User) -> None:
    here, there = signed_in(alice), signed_in(alice)
    new = "an even longer pass phrase"
    here.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}, follow=True
    )
    assert not is_in(there)
