"""Signing in and out: with a password of the portal, or at Keycloak; there the portal's own is kept for emergencies."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, Protocol

from allauth.account import views as allauth
from allauth.decorators import rate_limit
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from apps.accounts import keycloak
from apps.accounts.models import User
from apps.accounts.sign_in_forms import BreakGlassForm
from apps.audit.services import record

SESSION_TOKEN = "keycloak_id_token"  # noqa: S105 - names where the session keeps it, sealed
View = Callable[..., HttpResponseBase]


class FollowGroups(Protocol):
    def __call__(self, user: User, groups: Collection[str], *, read_at: datetime) -> None: ...


def with_password(view: View) -> View:
    """An allauth page about passwords: not there for people of Keycloak, whose passwords are kept there."""

    @wraps(view)
    def only_then(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_emergency = request.user.is_authenticated and keycloak.began_with_password(request)
        if keycloak.is_in_use() and not is_emergency:
            raise Http404
        return view(request, *args, **kwargs)

    return only_then


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    if not keycloak.is_in_use():
        return allauth.login(request)  # type: ignore[no-any-return]
    if request.user.is_authenticated:
        return redirect(_safe(request, request.GET.get("next", "")))
    return render(request, "account/keycloak.html", {"next": _safe(request, request.GET.get("next", ""))})


@method_decorator(login_not_required, name="dispatch")
class BreakGlass(allauth.LoginView):  # type: ignore[misc]
    """Sign-in with a password of the portal while people sign in at Keycloak: for its own administrators only."""

    template_name = "account/break_glass.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not keycloak.is_in_use():
            raise Http404
        return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_form_class(self) -> type[BreakGlassForm]:
        return BreakGlassForm


def sign_out(request: HttpRequest) -> HttpResponseBase:
    """At both sides; here also while Keycloak does not answer."""
    sealed = str(request.session.get(SESSION_TOKEN, ""))
    response: HttpResponseBase = allauth.logout(request)
    if request.method == "POST" and sealed and not keycloak.end_session(sealed):
        messages.warning(
            request, "You are signed out here. Keycloak did not answer, so you may still be signed in there."
        )
    return response


@method_decorator([login_not_required, rate_limit(action="login")], name="dispatch")
class Start(keycloak.FromOurSettings, OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Sends the person to Keycloak, when it answers."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not keycloak.is_in_use():
            raise Http404
        try:
            keycloak.need_answer()
        except keycloak.KeycloakUnreachable:
            return unavailable(request)
        response: HttpResponseBase = self.get(request)
        request.session["oidc_login_next"] = _safe(request, request.POST.get("next", ""))
        return response

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        # Who was refused may be another person for Keycloak than for this portal, and is asked anew who it is.
        asked_anew = {"prompt": "login"} if "again" in request.POST else {}
        return {"redirect_uri": keycloak.callback_address(), **asked_anew}


@method_decorator(login_not_required, name="dispatch")
class Callback(keycloak.FromOurSettings, OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Where Keycloak sends the person back. `then` makes the memberships what the groups say."""

    then: FollowGroups | None = None

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not keycloak.is_in_use():
            raise Http404
        if "code" not in request.GET or "error" in request.GET:
            return self.login_failure()
        try:
            return super().get(request)  # type: ignore[no-any-return]
        except keycloak.KeycloakUnreachable:
            return unavailable(request)
        except keycloak.SignInRefused as refused:
            return _refused(request, str(refused))
        except SuspiciousOperation:
            return self.login_failure()

    def login_failure(self) -> HttpResponse:
        return _refused(
            self.request,
            "The sign-in was not finished: it was broken off, took too long, or was begun in another browser.",
        )

    def login_success(self) -> HttpResponseRedirect:
        request, user = self.request, self.user
        target = self.success_url
        done: keycloak.SignIn = request.keycloak_sign_in
        if self.then is not None:
            self.then(user, done.claims.groups, read_at=done.claims.read_at)
        auth.login(request, user)
        UserSession.objects.create_from_request(request)
        request.session[SESSION_TOKEN] = keycloak.sealed(done.id_token)
        # Not longer by being used: at the latest then the person proves again to be one of Keycloak's.
        request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
        record("account.signed_in", actor=user.pk, subject=user, at_keycloak=True)
        return HttpResponseRedirect(target)


def unavailable(request: HttpRequest) -> HttpResponse:
    return render(request, "account/unavailable.html", status=HTTPStatus.SERVICE_UNAVAILABLE)


def _refused(request: HttpRequest, sentence: str) -> HttpResponse:
    return render(request, "account/refused.html", {"sentence": sentence}, status=HTTPStatus.FORBIDDEN)


def _safe(request: HttpRequest, target: str) -> str:
    """The page to go to after sign-in, on this host only."""
    is_safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return target if is_safe else str(settings.LOGIN_REDIRECT_URL)
