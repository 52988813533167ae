"""From where the present request comes, for the rows that it writes."""

from collections.abc import Callable
from contextvars import ContextVar

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse

_request: ContextVar[HttpRequest | None] = ContextVar("audited_request", default=None)


def address() -> str | None:
    """The client's IP address; None outside a request, or when a proxy does not say it."""
    request = _request.get()
    try:
        return str(get_adapter(request).get_client_ip(request)) if request else None
    except (PermissionDenied, ImproperlyConfigured):
        return None


class Origin:
    """Remembers the request while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)
