from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import signed_in
from apps.core import outbox


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "dashboard/welcome.html")
    return render(request, "dashboard/home.html")


@require_safe
def show_outbox(request: HttpRequest) -> HttpResponse:
    """The mails of a portal without a mail server; they hold private links, so only the administrator sees them."""
    if not signed_in(request).is_administrator or settings.OUTBOX_DIR is None:
        raise Http404
    response = render(request, "dashboard/outbox.html", {"mails": outbox.mails()})
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def project(request: HttpRequest, namespace: str) -> HttpResponse:
    return render(request, "dashboard/project.html", {})
