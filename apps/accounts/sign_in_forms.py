"""The forms of allauth in the portal's words: one wording on all pages, above the field and not again inside it."""

from typing import Any, ClassVar

import structlog
from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.mfa.base import forms as second_factor
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.exceptions import ValidationError

from apps.accounts.identities import may_break_glass
from apps.accounts.keycloak import is_in_use
from apps.accounts.models import User
from apps.audit.services import record
from apps.core.sealed import SecretUnreadable

log = structlog.get_logger(__name__)
UNREADABLE = (
    "The portal cannot read your second factor any more, so no code is right. An administrator of the platform can "
    "take it from your account."
)
NEW_PASSWORD = {"password1": "New password", "password2": "New password again"}


class InOurWords(forms.Form):
    words: ClassVar[dict[str, str]] = {}  # labels by field

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.words.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)


class SignInForm(InOurWords, account.LoginForm):  # type: ignore[misc]
    words = {"login": "E-mail address"}


class BreakGlassForm(SignInForm):
    """Refuses everybody else in the words of a wrong password, so that it names no administrator."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        user: User | None = self.user
        if user is not None and not may_break_glass(user):
            self.user: User | None = None
            record("account.sign_in_failed", actor=None, subject=user)
            raise get_adapter().validation_error("email_password_mismatch")
        return cleaned


class ForgottenPasswordForm(InOurWords, account.ResetPasswordForm):  # type: ignore[misc]
    words = {"email": "E-mail address"}


class NewPasswordForm(InOurWords, account.ResetPasswordKeyForm):  # type: ignore[misc]
    words = NEW_PASSWORD


class ChangedPasswordForm(InOurWords, account.ChangePasswordForm):  # type: ignore[misc]
    words = {"oldpassword": "Current password", **NEW_PASSWORD}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_in_use():  # no link by mail sets a password of the portal then
            self.fields["oldpassword"].help_text = ""


class ConfirmingPasswordForm(InOurWords, account.ReauthenticateForm):  # type: ignore[misc]
    """Once more, before something that only the person may do."""


class AnyCode(InOurWords):
    """A code of the app, or a recovery code."""

    words = {"code": "Code"}
    user: User

    def clean_code(self) -> str:
        try:
            return str(super().clean_code())  # type: ignore[misc]
        except SecretUnreadable as error:
            log.exception("second factor sealed under another CREDENTIALS_KEY", user=self.user.pk)
            raise ValidationError(UNREADABLE) from error

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)  # type: ignore[misc]
        record("second_factor.wrong_code", actor=None, subject=self.user)


class CodeForm(AnyCode, second_factor.AuthenticateForm):  # type: ignore[misc]
    """After the password."""


class ConfirmingCodeForm(AnyCode, second_factor.ReauthenticateForm):  # type: ignore[misc]
    """Once more, before something that only the person may do."""


class FirstCodeForm(InOurWords, ActivateTOTPForm):  # type: ignore[misc]
    words = {"code": "Code that the app shows"}
