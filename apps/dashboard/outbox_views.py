"""Doors to the mails of the portal: what went, what waits, what was given up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import require_administrator, signed_in
from apps.core.lists import listed
from apps.core.models import Mail
from apps.core.state import IllegalTransition
from apps.dashboard import mails, services
from apps.dashboard.forms import MailFilterForm

MAILS_A_PAGE = 25


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """For administrators alone: without a mail server it holds the private links of others."""
    require_administrator(signed_in(request))
    context = listed(
        request, MailFilterForm(request.GET), lambda asked: mails.matching(**asked), rows_a_page=MAILS_A_PAGE
    )
    context |= {
        "rows": [mails.shown(mail) for mail in context["page"]],
        "keeps_texts": mails.are_kept_as_files(),
        "given_up": Mail.objects.filter(status=Mail.Status.FAILED).count(),
    }
    return render(request, "dashboard/outbox.html", context)


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    require_administrator(user)
    mail = get_object_or_404(Mail, pk=pk)
    try:
        services.send_again(mail, by=user)
    except IllegalTransition:
        messages.warning(request, "This mail is not one that was given up: somebody may have been faster.")
    else:
        messages.success(request, "The mail is sent again.")
    return redirect("dashboard:outbox")


@require_POST
def send_all_again(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    require_administrator(user)
    if queued := services.send_all_again(by=user):
        messages.success(request, f"{queued} mail{' is' if queued == 1 else 's are'} sent again.")
    else:
        messages.info(request, "No mail is given up: somebody may have been faster.")
    return redirect("dashboard:outbox")
