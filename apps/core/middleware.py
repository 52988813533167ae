import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("portal.access")

Respond = Callable[[HttpRequest], HttpResponse]


def log_failure(*, request: HttpRequest, **signal: object) -> None:
    """Logs where a page broke: Django's own line would name the path."""
    route = request.resolver_match.view_name if request.resolver_match else ""
    log.exception("request failed", route=route)


class RequestLog:
    """Gives each request an id, returned as X-Request-ID, and logs the route's name: never a path or a query,
    which may carry a patient or a private link."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if re.fullmatch(r"[A-Za-z0-9-]{8,64}", given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=request.request_id)  # type: ignore[attr-defined]
        started = time.monotonic()
        try:
            response = self.get_response(request)
            self._log(request, response, time.monotonic() - started)
        finally:
            structlog.contextvars.clear_contextvars()
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    def _log(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        route = request.resolver_match.view_name if request.resolver_match else ""
        user = getattr(request, "user", None)
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
            user=user.pk if user is not None else None,
        )
