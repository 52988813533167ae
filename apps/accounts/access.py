from ipaddress import IPv6Address, ip_address, ip_network

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from apps.accounts.models import ApiToken, SshKey, User

IPV6_PREFIX = 64  # bits, the least that a subscriber gets (RFC 6177)


def signed_in(request: HttpRequest) -> User:
    """The person of this request; only for views that need sign-in."""
    if not isinstance(request.user, User):
        raise TypeError("this view must need sign-in")
    return request.user


def client_address(request: HttpRequest) -> str:
    """The IP address that the limits of sign-in count by."""
    return str(get_adapter(request).get_client_ip(request))


def require_administrator(user: User) -> None:
    """Raises Http404 for all others, as if there were no such page."""
    if not user.is_administrator:
        raise Http404


def network_of(address: str) -> str:
    """By what the limits count a client's address: who has one of IPv6 has its whole network.

    Raises ValueError for what is no address.
    """
    if isinstance(ip_address(address), IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False).network_address)
    return address


def require_to_look(user: User) -> None:
    """Raises Http404 for who may not look everywhere, as if there were no such page."""
    if not user.may_look:
        raise Http404


def visible_people(user: User) -> QuerySet[User]:
    """Everybody who has an account. Raises Http404 as `require_to_look` does."""
    require_to_look(user)
    return User.objects.order_by("name", "pk")


def get_person(user: User, pk: int) -> User:
    return get_object_or_404(visible_people(user), pk=pk)


def person_to_change(user: User, pk: int) -> User:
    require_administrator(user)
    return get_object_or_404(User, pk=pk)


def get_token(user: User, pk: int) -> ApiToken:
    return get_object_or_404(ApiToken, user=user, pk=pk)


def get_session(user: User, pk: int) -> UserSession:
    return get_object_or_404(UserSession, user=user, pk=pk)


def get_ssh_key(user: User, pk: int) -> SshKey:
    return get_object_or_404(SshKey, user=user, pk=pk)
