"""Doors for approvers: the list of requests, and one request to decide on."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.access import signed_in
from apps.core.state import IllegalTransition
from apps.provisioning import services as provisioning
from apps.registrations import selectors, services
from apps.registrations.access import as_seen, for_approver, visible_to
from apps.registrations.forms import ChangesForm, FilterForm, GrantForm, RejectForm
from apps.registrations.models import Registration

Status = Registration.Status
ROWS_A_PAGE = 25


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    rows = visible_to(signed_in(request))
    form = FilterForm({"status": request.GET.get("status", Status.EMAIL_VERIFIED), "q": request.GET.get("q", "")})
    asked = form.cleaned_data if form.is_valid() else {"status": "", "q": ""}
    found = selectors.matching(rows, status=asked["status"], words=asked["q"])
    context = {
        "form": form,
        "is_filtered": asked != {"status": Status.EMAIL_VERIFIED, "q": ""},
        "page": Paginator(found, ROWS_A_PAGE).get_page(request.GET.get("page")),
        "querystring": urlencode(asked),
    }
    return render(request, "registrations/approvals.html", context)


@require_safe
def approval(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, for_approver(signed_in(request), pk))


@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The steps, asked for every two seconds; then the whole page anew."""
    registration = for_approver(signed_in(request), pk)
    if registration.status != Status.APPROVED:
        return HttpResponseClientRefresh()
    return render(request, "provisioning/_steps.html", _setup(request, registration))


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = as_seen(user, pk, request.POST.get("version", ""))
    form = GrantForm(request.POST, registration=registration)
    if not form.is_valid():
        return _page(request, registration, grant_form=form)
    act = partial(services.approve, registration, form.grant(), by=user)
    return _decide(request, registration, act, "Approved. The portal is setting the project up.")


@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = as_seen(user, pk, request.POST.get("version", ""))
    form = RejectForm(request.POST)
    if not form.is_valid():
        return _page(request, registration, reject_form=form)
    act = partial(services.reject, registration, reason=form.cleaned_data["reason"], by=user)
    return _decide(request, registration, act, "Rejected. The requester gets the reason by mail.")


@require_POST
def ask_for_changes(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = as_seen(user, pk, request.POST.get("version", ""))
    form = ChangesForm(request.POST)
    if not form.is_valid():
        return _page(request, registration, changes_form=form)
    act = partial(services.ask_for_changes, registration, message=form.cleaned_data["message"], by=user)
    return _decide(request, registration, act, "Sent back. The requester gets your message by mail.")


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = for_approver(user, pk)
    if registration.project is None or not user.is_administrator:
        raise Http404
    if provisioning.retry(registration.project, by=user):
        messages.success(request, "The step is tried again.")
    return redirect("registrations:approval", pk=pk)


def _decide(request: HttpRequest, registration: Registration, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except services.OwnRequest:
        messages.error(request, "This is your own request: somebody else has to decide on it.")
    except services.NamespaceTaken as taken:
        messages.error(request, f"Nothing was written. {taken} Ask the requester to change it.")
    except IllegalTransition:
        registration.refresh_from_db()
        messages.warning(request, selectors.who_was_first(registration, reader=signed_in(request)))
    else:
        messages.success(request, done)
    return redirect("registrations:approval", pk=registration.pk)


def _page(
    request: HttpRequest,
    registration: Registration,
    *,
    grant_form: GrantForm | None = None,
    reject_form: RejectForm | None = None,
    changes_form: ChangesForm | None = None,
) -> HttpResponse:
    user = signed_in(request)
    version = {"version": registration.version}
    is_own = registration.is_asked_by(user)
    context = {
        "registration": registration,
        "history": selectors.history(registration),
        "is_own": is_own,
        "may_decide": registration.status == Status.EMAIL_VERIFIED and user.may_approve and not is_own,
        "grant_form": grant_form or GrantForm(registration=registration),
        "reject_form": reject_form or RejectForm(initial=version),
        "changes_form": changes_form or ChangesForm(initial=version),
        **_setup(request, registration),
    }
    return render(request, "registrations/approval.html", context)


def _setup(request: HttpRequest, registration: Registration) -> dict[str, object]:
    retry_url = reverse("registrations:approval_retry", args=[registration.pk])
    return selectors.setup_of(
        registration,
        poll_url=reverse("registrations:approval_progress", args=[registration.pk]),
        retry_url=retry_url if signed_in(request).is_administrator else "",
    )
