from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import services
from apps.accounts.access import get_token, signed_in
from apps.accounts.forms import ThemeForm, TokenForm

A_YEAR = 365 * 24 * 3600


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    return _page(request, TokenForm())


@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    _, secret = services.make_token(signed_in(request), **form.cleaned_data)
    # Shown by this answer only, so that the secret is in no session, no address and no history.
    return _page(request, TokenForm(), secret=secret)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    services.revoke_token(get_token(user, pk), by=user)
    messages.success(request, "The token no longer works.")
    return redirect("accounts:account")


@login_not_required
@require_POST
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


def _page(request: HttpRequest, form: TokenForm, secret: str = "") -> HttpResponse:
    tokens = signed_in(request).api_tokens.order_by("-pk")
    return render(request, "accounts/account.html", {"form": form, "tokens": tokens, "secret": secret})
