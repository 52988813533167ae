"""The pages of the second factor: those of allauth, whose changes are audited, also while its key cannot be read."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.base.views import IndexView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from apps.accounts import second_factor
from apps.accounts.access import signed_in

View = Callable[..., HttpResponseBase]


class Recorded:
    """A page whose form changes the second factor of who sends it."""

    request: HttpRequest

    def form_valid(self, form: Form) -> HttpResponse:
        user = signed_in(self.request)
        with second_factor.recorded(user, by=user):
            response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return response


class Index(IndexView):  # type: ignore[misc]
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_readable = second_factor.is_readable(signed_in(self.request))
        return {**super().get_context_data(**kwargs), "is_readable": is_readable}


class SetUp(Recorded, ActivateTOTPView):  # type: ignore[misc]
    pass


class Stop(Recorded, DeactivateTOTPView):  # type: ignore[misc]
    pass


class NewRecoveryCodes(Recorded, GenerateRecoveryCodesView):  # type: ignore[misc]
    pass


def if_readable(view: View) -> View:
    """A page about recovery codes; while they cannot be read, the person is told so in its place."""

    @wraps(view)
    def only_then(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not second_factor.is_readable(signed_in(request)):
            return redirect("mfa_index")
        return view(request, *args, **kwargs)

    return only_then
