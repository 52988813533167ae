from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import people
from apps.accounts import sessions as open_sessions
from apps.accounts.access import get_session, signed_in
from apps.accounts.keycloak import account_address, is_in_use


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    found = open_sessions.sessions_of(signed_in(request), this=request.session.session_key or "")
    context = {"sessions": found, "keycloak_account": account_address() if is_in_use() else ""}
    return render(request, "accounts/sessions.html", context)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    open_sessions.end(get_session(user, pk), by=user)
    messages.success(request, "That browser is signed out.")
    return redirect("accounts:sessions")


@require_POST
def end_all(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    people.sign_out_everywhere(user, by=user)
    auth.logout(request)
    messages.success(request, "You are signed out everywhere.")
    return redirect("account_login")
