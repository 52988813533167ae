"""The sessions in which a person is signed in to this portal."""

from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record

# The first that fits counts: every browser also names those that it wants to be taken for.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class SignedIn:
    """One browser: from which address, since when, and whether it is the one that asks."""

    pk: int
    device: str
    address: str
    since: datetime
    is_this: bool


def sessions_of(user: User, *, this: str) -> list[SignedIn]:
    """The sessions that are open now, the newest first; `this` is the key of the one that asks."""
    known = list(UserSession.objects.filter(user=user).order_by("-created_at", "-pk"))
    alive = _alive(user, [row.session_key for row in known])
    return [
        SignedIn(row.pk, device_of(row.user_agent), row.ip, row.created_at, row.session_key == this)
        for row in known
        if row.session_key in alive
    ]


def end(session: UserSession, *, by: User) -> None:
    """The browser is signed out with its next request."""
    with transaction.atomic():
        record("session.ended", actor=by.pk, subject=by)
        session.end()


def device_of(user_agent: str) -> str:
    """ "Firefox on Linux", as the browser says of itself (RFC 9110 10.1.5), which anybody can forge."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "A program")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


def _alive(user: User, keys: list[str]) -> set[str]:
    """Those of the keys whose session has neither expired nor been ended with all others of the person."""
    stored = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    current = user.get_session_auth_hash()
    return {row.session_key for row in stored if row.get_decoded().get(HASH_SESSION_KEY) == current}
