from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import second_factor, services, sessions
from apps.accounts.access import get_ssh_key, get_token, signed_in
from apps.accounts.forms import ProfileForm, SshKeyForm, ThemeForm, TokenForm
from apps.accounts.keycloak import account_address, began_with_password, is_in_use
from apps.core.forms import takes_fields

A_YEAR = 365 * 24 * 3600


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
def change_profile(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    form = ProfileForm(request.POST, has_name=not services.is_named_by_keycloak(user))
    if not form.is_valid():
        return _page(request, profile_form=form)
    services.change_profile(user, **form.cleaned_data)
    messages.success(request, "Your profile is changed.")
    return redirect("accounts:account")


@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form)
    user = signed_in(request)
    _, secret = services.make_token(user, **form.cleaned_data, by=user)
    # Shown by this answer only, so that the secret is in no session, no address and no history.
    return _page(request, secret=secret)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    services.revoke_token(get_token(user, pk), by=user)
    messages.success(request, "The token no longer works.")
    return redirect("accounts:account")


@require_POST
def add_ssh_key(request: HttpRequest) -> HttpResponse:
    form = SshKeyForm(request.POST)
    if not form.is_valid():
        return _page(request, key_form=form)
    try:
        key = services.add_ssh_key(signed_in(request), form.cleaned_data["public_key"], name=form.cleaned_data["name"])
    except services.KeyKnown as known:
        form.add_error("public_key", str(known))
        return _page(request, key_form=form)
    messages.success(request, f"The key {key.name} is added. Workspaces take it within a minute.")
    return redirect("accounts:account")


@require_POST
def remove_ssh_key(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    services.remove_ssh_key(get_ssh_key(user, pk), by=user)
    messages.success(request, "The key is removed.")
    return redirect("accounts:account")


@login_not_required
@require_POST
@takes_fields("theme", "next")
def theme(request: HttpRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = HttpResponseRedirect(target)
    if form.is_valid():
        _remember_theme(response, form.cleaned_data["theme"])
    return response


def _remember_theme(response: HttpResponse, choice: str) -> None:
    if choice == "auto":
        response.delete_cookie("theme", samesite="Lax")
    else:
        response.set_cookie("theme", choice, max_age=A_YEAR, samesite="Lax")


def _page(request: HttpRequest, **shown: object) -> HttpResponse:
    user = signed_in(request)
    profile = {"name": user.name, "affiliation": user.affiliation, "position": user.position}
    context = {
        "profile_form": ProfileForm(initial=profile, has_name=not services.is_named_by_keycloak(user)),
        "form": TokenForm(),
        "key_form": SshKeyForm(),
        "tokens": user.api_tokens.order_by("-pk"),
        "ssh_keys": user.ssh_keys.order_by("-pk"),
        "has_password": began_with_password(request),
        "has_second_factor": second_factor.has_one(user),
        "session_count": len(sessions.sessions_of(user, this="")),
        "keycloak_account": account_address() if is_in_use() else "",
    }
    return render(request, "accounts/account.html", {**context, **shown})
