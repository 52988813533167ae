from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.bearer import CHALLENGE, challenge_for, insufficient, token_of
from apps.accounts.limits import must_change_password, refuse_large_body
from apps.accounts.models import ApiToken

Scope = ApiToken.Scope
View = Callable[..., HttpResponseBase]


def accepts_token(*, read: Scope, write: Scope, delete: Scope | None = None) -> Callable[[View], View]:
    """Marks a view that programs may call with an API token of these scopes; all others take a session only."""

    def mark(view: View) -> View:
        view.token_scopes = (read, write, delete or write)  # type: ignore[attr-defined]
        return view

    return mark


class SignInRequired(LoginRequiredMiddleware):
    """Every page needs a signed-in person unless its view says otherwise (`login_not_required`).

    A fragment that polls on after the session has ended makes its page go to sign-in, instead of showing it inside.
    For programs it reads the API token, answers 401 instead of the sign-in page, and asks no CSRF token, since a
    browser never sends an Authorization header by itself; who follows a link to what they read signs in first. A
    one-time password opens nothing, not even a public page, but the pages that set another.
    """

    def process_view(
        self, request: HttpRequest, view_func: View, view_args: tuple[Any, ...], view_kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        header = request.headers.get("Authorization", "")
        if scopes := getattr(view_func, "token_scopes", None):
            if header:
                return self._with_token(request, header, *scopes)
            if not request.user.is_authenticated and not _is_followed_link(request):
                return unauthorized()
        refuse_large_body(request, view_func)
        # The API answers 401 by itself (PersonalSession): a program cannot follow to a page.
        if must_change_password(request) and not request.path.startswith("/api/"):
            return redirect("account_change_password")
        if getattr(view_func, "login_required", True) and _is_fragment_of_ended_session(request):
            return HttpResponse(headers={"HX-Redirect": reverse("account_login")})
        return super().process_view(request, view_func, view_args, view_kwargs)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """What a signed-in person sees stays in no store, a browser's included, unless its view says otherwise."""
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response

    def _with_token(
        self, request: HttpRequest, header: str, read: Scope, write: Scope, delete: Scope
    ) -> HttpResponse | None:
        token = token_of(header)
        if token is None:
            return unauthorized()
        needed = {"GET": read, "HEAD": read, "OPTIONS": read, "DELETE": delete}.get(request.method or "", write)
        if not token.covers(needed):
            return out_of_scope(needed)
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


def out_of_scope(needed: Scope) -> HttpResponse:
    response = JsonResponse({"detail": insufficient(needed)}, status=HTTPStatus.FORBIDDEN)
    response["WWW-Authenticate"] = challenge_for(needed)
    return response


def _is_followed_link(request: HttpRequest) -> bool:
    """Programs, and the scripts and pictures of a page, take anything; only a browser that goes there names HTML."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def _is_fragment_of_ended_session(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and not request.user.is_authenticated
