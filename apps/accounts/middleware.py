from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.bearer import CHALLENGE, token_of
from apps.accounts.models import User

View = Callable[..., HttpResponseBase]
READ_AS_WHOLE = ("multipart/form-data", "application/json")
OPEN_WITH_ONE_TIME_PASSWORD = (
    "account_change_password",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "accounts:theme",
)


def accepts_token(view: View) -> View:
    """Marks a view that programs may call with an API token; all others take a session only."""
    view.accepts_token = True  # type: ignore[attr-defined]
    return view


def takes_files(view: View) -> View:
    """Marks a view that streams the files of a form to where they belong; all others take forms without files."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


class SignInRequired(LoginRequiredMiddleware):
    """Every page needs a signed-in person unless its view says otherwise (`login_not_required`).

    A fragment that polls on after the session has ended makes its page go to sign-in, instead of showing it inside.
    For programs it reads the API token, answers 401 instead of the sign-in page, and asks no CSRF token, since a
    browser never sends an Authorization header by itself. A one-time password opens nothing, not even a public page,
    but the pages that set another.
    """

    def process_view(
        self, request: HttpRequest, view_func: View, view_args: tuple[Any, ...], view_kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        header = request.headers.get("Authorization", "")
        if getattr(view_func, "accepts_token", False):
            if header:
                return self._with_token(request, header)
            if not request.user.is_authenticated:
                return unauthorized()
        if not request.user.is_authenticated or not getattr(view_func, "takes_files", False):
            _refuse_large_body(request)
        # The API answers 401 by itself (PersonalSession): a program cannot follow to a page.
        if _must_change_password(request) and not request.path.startswith("/api/"):
            return redirect("account_change_password")
        if getattr(view_func, "login_required", True) and _is_fragment_of_ended_session(request):
            return HttpResponse(headers={"HX-Redirect": reverse("account_login")})
        return super().process_view(request, view_func, view_args, view_kwargs)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """What a signed-in person sees stays in no store, a browser's included, unless its view says otherwise."""
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response

    def _with_token(self, request: HttpRequest, header: str) -> HttpResponse | None:
        token = token_of(header)
        if token is None:
            return unauthorized()
        request.user = token.user
        request.api_token = token  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return None


def unauthorized() -> HttpResponse:
    response = JsonResponse(
        {"detail": "Sign in, or send a valid API token: Authorization: Bearer …"}, status=HTTPStatus.UNAUTHORIZED
    )
    response["WWW-Authenticate"] = CHALLENGE
    return response


def _refuse_large_body(request: HttpRequest) -> None:
    # Django's own limit counts neither files of a form, which reading its token writes to the disk, nor JSON.
    is_large = int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if is_large and (request.content_type in READ_AS_WHOLE or not request.user.is_authenticated):
        raise RequestDataTooBig("Files are taken where the view says so, and from nobody who is not signed in.")


def _must_change_password(request: HttpRequest) -> bool:
    if not isinstance(request.user, User) or not request.user.has_one_time_password:
        return False
    return request.resolver_match is None or request.resolver_match.view_name not in OPEN_WITH_ONE_TIME_PASSWORD


def _is_fragment_of_ended_session(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and not request.user.is_authenticated
