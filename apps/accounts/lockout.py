"""Lockout after wrong passwords, by django-axes: of an e-mail address together with the IP address that tried it.

So nobody keeps a person out from elsewhere. The callables are named in the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.accounts.access import client_address, network_of
from apps.accounts.models import User
from apps.audit.services import record

LONGEST_NAME = 255  # as the table of attempts has it


@dataclass(frozen=True)
class Lock:
    """No password for the person is tried from this IP address until then."""

    address: str
    until: datetime


def name_tried(_request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """The e-mail address that a password is tried for, whether somebody has it or not."""
    return str((credentials or {}).get("email") or "").lower()[:LONGEST_NAME]


def address_tried_from(request: HttpRequest) -> str | None:
    """None where no connection stands behind the request. Who has an IPv6 address has its whole network."""
    try:
        return network_of(client_address(request))
    except (PermissionDenied, ValueError):
        return None


def is_without_password(_request: HttpRequest, credentials: Mapping[str, Any] | None) -> bool:
    """Whether somebody signs in at Keycloak, which counts by itself."""
    return "email" not in (credentials or {})


def answer(request: HttpRequest, _response: HttpResponse | None, credentials: Mapping[str, Any] | None) -> HttpResponse:
    """The same for an address that nobody has."""
    found = _locks(username=name_tried(request, credentials), ip_address=address_tried_from(request) or "")
    until = found[0].until if found else timezone.now() + _cool_off()
    context = {"until": until, "has_links": settings.AUTH_MODE == "local"}
    response = render(request, "account/locked.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(max(1, ceil((until - timezone.now()).total_seconds())))
    return response


def note_failure(request: HttpRequest, credentials: Mapping[str, Any]) -> None:
    """Writes down a password that opened nothing, and that it was the one too many; nothing more while that lasts.

    The row names the account, and nothing where there is none: what was typed there may be a password.
    """
    if getattr(request, "axes_failures_since_start", None) is None:  # locked: nobody looked at the password
        return
    user = User.objects.filter(email=name_tried(request, credentials)).first()
    record("account.sign_in_failed", actor=None, subject=user)
    if getattr(request, "axes_locked_out", False):
        record("account.locked", actor=None, subject=user)


def locks_of(user: User) -> list[Lock]:
    """From where nobody can try the person's password now."""
    return _locks(username=user.email)


def unlock(user: User, *, by: User) -> bool:
    """Takes passwords for the person from everywhere again. Whether there was a lock."""
    with transaction.atomic():
        had_lock = bool(locks_of(user))
        forget_attempts(user)
        if had_lock:
            record("account.unlocked", actor=by.pk, subject=user)
    return had_lock


def forget_attempts(user: User) -> None:
    AccessAttempt.objects.filter(username=user.email).delete()


def _locks(**found: str) -> list[Lock]:
    tries = AccessAttempt.objects.filter(attempt_time__gt=timezone.now() - _cool_off(), **found)
    counted = tries.values("ip_address").annotate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
    reached = counted.filter(failures__gte=settings.AXES_FAILURE_LIMIT).order_by("ip_address")
    return [Lock(str(row["ip_address"]), row["last"] + _cool_off()) for row in reached]


def _cool_off() -> timedelta:
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    return cool_off
