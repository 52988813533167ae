from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from apps.accounts import lockout, services
from apps.accounts.access import signed_in
from apps.accounts.models import User
from apps.audit.services import record
from apps.core import mail


class LocalAccounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts come from approved registrations, never from a public sign-up; mails go the portal's own way."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return str(settings.LOGIN_REDIRECT_URL)

    def get_reset_password_from_key_url(self, key: str) -> str:
        # Under the public address, whatever host the request names: who asks need not be who reads the mail.
        uidb36, _, secret = key.partition("-")
        return services.password_address(uidb36, secret)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        subject = self.render_mail(template_prefix, email, context).subject
        context = {**context, "email": email}
        mail.post(to=email, subject=subject, template=f"{template_prefix}_message.txt", context=context)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Wrong passwords are counted by django-axes: allauth's own count of an address would lock its person out."""

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        lockout.note_failure(request, credentials)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> Any:
        lockout.note_failure(request, {"email": user.email})
        return super().respond_user_inactive(request, user)

    def logout(self, request: HttpRequest) -> None:
        user = signed_in(request)
        super().logout(request)
        record("account.signed_out", actor=user.pk, subject=user)

    def set_password(self, user: User, password: str) -> None:
        super().set_password(user, password)
        services.password_was_set(user)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> Any:
        record("account.signed_in", actor=user.pk, subject=user)
        return super().post_login(request, user, **kwargs)
