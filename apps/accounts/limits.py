"""What a request may not do, whoever asks: send a large body where none is taken, go on with a one-time password, or
answer by private links without end.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from apps.accounts.access import client_address, network_of
from apps.accounts.keycloak import began_with_password
from apps.accounts.models import User
from apps.core.counting import HOUR, is_within

View = Callable[..., HttpResponseBase]
READ_AS_WHOLE = ("multipart/form-data", "application/json")
ANSWERS_A_CLIENT = 300
"""So many forms behind private links one network sends within an hour: a course behind one address comes through."""
OPEN_WITH_ONE_TIME_PASSWORD = (
    "account_change_password",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "accounts:theme",
)


def takes_files(view: View) -> View:
    """Marks a view that streams the files of a form to where they belong; all others take forms without files."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def counts_answers(view: View) -> View:
    """For a form behind a private link, which nobody need sign in for: 429 for more than ANSWERS_A_CLIENT."""

    @wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        network = network_of(client_address(request))
        if request.method == "POST" and not is_within(ANSWERS_A_CLIENT, "accounts:answer", network):
            refused = render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)
            refused["Retry-After"] = str(HOUR)
            return refused
        return view(request, *args, **kwargs)

    return counted


def refuse_large_body(request: HttpRequest, view: View) -> None:
    """Raises RequestDataTooBig for a body that this view would take into memory or onto the disk as a whole."""
    if request.user.is_authenticated and getattr(view, "takes_files", False):
        return
    # Django's own limit counts neither files of a form, which reading its token writes to the disk, nor JSON.
    is_large = int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if is_large and (request.content_type in READ_AS_WHOLE or not request.user.is_authenticated):
        raise RequestDataTooBig("Files are taken where the view says so, and from nobody who is not signed in.")


def must_change_password(request: HttpRequest) -> bool:
    """Whether a person with a one-time password asks for anything but the pages that set another."""
    if not isinstance(request.user, User) or not request.user.has_one_time_password or not began_with_password(request):
        return False
    return request.resolver_match is None or request.resolver_match.view_name not in OPEN_WITH_ONE_TIME_PASSWORD
