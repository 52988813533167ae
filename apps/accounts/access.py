from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from apps.accounts.models import ApiToken, SshKey, User


def signed_in(request: HttpRequest) -> User:
    """The person of this request; only for views that need sign-in."""
    if not isinstance(request.user, User):
        raise TypeError("this view must need sign-in")
    return request.user


def client_address(request: HttpRequest) -> str:
    """The IP address that the limits of sign-in count by."""
    return str(get_adapter(request).get_client_ip(request))


def get_token(user: User, pk: int) -> ApiToken:
    return get_object_or_404(ApiToken, user=user, pk=pk)


def get_ssh_key(user: User, pk: int) -> SshKey:
    return get_object_or_404(SshKey, user=user, pk=pk)
