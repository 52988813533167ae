"""Health checks and error pages."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from apps.core.forms import UnknownField


@login_not_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "live"})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The process can do its work: the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "the database does not answer"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse({"status": "ready"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    sentence = str(exception) if isinstance(exception, UnknownField) else ""
    if isinstance(exception, RequestDataTooBig):
        sentence = "What was sent is larger than the portal takes here. Nothing was changed."
    return _error(request, HTTPStatus.BAD_REQUEST, sentence=sentence)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, HTTPStatus.FORBIDDEN, sentence=str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    if _wants_json(request):
        return _error(request, HTTPStatus.INTERNAL_SERVER_ERROR)
    # Without the request no context processor runs: whatever broke the page must not break this one.
    return HttpResponse(render_to_string("500.html", _context(request)), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", _context(request), status=HTTPStatus.FORBIDDEN)


def _error(request: HttpRequest, status: HTTPStatus, sentence: str = "") -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"detail": sentence or status.phrase, **_context(request)}, status=status)
    return render(request, f"{status.value}.html", {**_context(request), "sentence": sentence}, status=status)


def _wants_json(request: HttpRequest) -> bool:
    return not request.accepts("text/html") or request.path.startswith("/api/")


def _context(request: HttpRequest) -> dict[str, str]:
    return {"request_id": getattr(request, "request_id", "")}
