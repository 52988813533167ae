"""Doors for those who decide: the list of requests, and one request."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.access import signed_in
from apps.accounts.models import User
from apps.core.lists import listed
from apps.core.state import IllegalTransition
from apps.projects.access import extensions_waiting_for, visible_projects
from apps.projects.granting import OwnRequest
from apps.projects.members import MembersRefused
from apps.provisioning import members
from apps.provisioning import services as provisioning
from apps.registrations import decisions, selectors
from apps.registrations.access import as_seen, decides_on, decides_some, for_reader, visible_to
from apps.registrations.capacity import places
from apps.registrations.console_forms import BulkForm, ChangesForm, FilterForm, GrantForm, RejectForm, RoleForm
from apps.registrations.models import Registration
from apps.registrations.services import NamespaceTaken

Status = Registration.Status
ROWS_A_PAGE = 25
EARLIER_SHOWN = 10


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    rows = visible_to(user)
    form = FilterForm({"status": Status.EMAIL_VERIFIED, **request.GET.dict()})
    context = {
        **listed(request, form, lambda asked: selectors.matching(rows, **asked), rows_a_page=ROWS_A_PAGE),
        "may_decide": decides_some(user),
        "extensions_waiting": extensions_waiting_for(user).count(),
        "are_all_ticked": "all" in request.GET,
        "bulk_form": BulkForm(),
    }
    return render(request, "registrations/approvals.html", context)


@require_safe
def approval(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, for_reader(signed_in(request), pk))


@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The steps, asked for every two seconds; then the whole page anew."""
    registration = for_reader(signed_in(request), pk)
    if not selectors.is_being_set_up(registration):
        return HttpResponseClientRefresh()
    return render(request, "provisioning/_steps.html", _setup(request, registration))


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = as_seen(user, pk, request.POST.get("version", ""))
    form = grant_form(registration, request)
    if not form.is_valid():
        return _page(request, registration, grant_form=form)
    is_there = "The requester is in the project." if registration.is_join else "The portal is setting the project up."
    return _decide(request, registration, approving(registration, form, by=user), f"Approved. {is_there}")


@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = as_seen(user, pk, request.POST.get("version", ""))
    form = RejectForm(request.POST)
    if not form.is_valid():
        return _page(request, registration, reject_form=form)
    act = partial(decisions.reject, registration, reason=form.cleaned_data["reason"], by=user)
    return _decide(request, registration, act, "Rejected. The requester gets the reason by mail.")


@require_POST
def ask_for_changes(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = as_seen(user, pk, request.POST.get("version", ""))
    form = ChangesForm(request.POST)
    if not form.is_valid():
        return _page(request, registration, changes_form=form)
    act = partial(decisions.ask_for_changes, registration, message=form.cleaned_data["message"], by=user)
    return _decide(request, registration, act, "Sent back. The requester gets your message by mail.")


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    registration = for_reader(user, pk)
    if not may_retry(user, registration):
        raise Http404
    if _retry(registration, user):
        messages.success(request, "The step is tried again.")
    return redirect("registrations:approval", pk=pk)


def may_retry(user: User, registration: Registration) -> bool:
    """Administrators; for somebody who joins a project, those who decide on it."""
    if registration.membership_change:
        return decides_on(user, registration)
    return registration.project is not None and user.is_administrator


def _retry(registration: Registration, user: User) -> bool:
    if registration.membership_change:
        return members.retry(registration.membership_change, by=user)
    return registration.project is not None and provisioning.retry(registration.project, by=user)


def grant_form(registration: Registration, request: HttpRequest | None = None) -> GrantForm | RoleForm:
    form = RoleForm if registration.is_join else GrantForm
    return form(request.POST if request else None, registration=registration)


def approving(registration: Registration, form: GrantForm | RoleForm, *, by: User) -> Callable[[], object]:
    """The approval that a valid form asks for."""
    if isinstance(form, RoleForm):
        return partial(decisions.approve_join, registration, role=form.granted(), by=by)
    return partial(decisions.approve, registration, form.grant(), by=by)


def _decide(request: HttpRequest, registration: Registration, act: Callable[[], object], done: str) -> HttpResponse:
    is_done, sentence = outcome(registration, act, done, by=signed_in(request))
    (messages.success if is_done else messages.warning)(request, sentence)
    return redirect("registrations:approval", pk=registration.pk)


def outcome(registration: Registration, act: Callable[[], object], done: str, *, by: User) -> tuple[bool, str]:
    """Whether the decision counts, and the sentence that says what came of it."""
    try:
        act()
    except (OwnRequest, decisions.NoSuchProject, MembersRefused) as refused:
        return False, f"Nothing was written. {refused}"
    except NamespaceTaken as taken:
        return False, f"Nothing was written. {taken} Ask the requester to change it."
    except IllegalTransition:
        registration.refresh_from_db()
        return False, selectors.who_was_first(registration, reader=by)
    return True, done


def _page(request: HttpRequest, registration: Registration, **forms: Form) -> HttpResponse:
    user = signed_in(request)
    version = {"version": registration.version}
    is_own = registration.is_asked_by(user)
    earlier = selectors.earlier_of(registration, visible_to(user))
    may_decide = registration.status == Status.EMAIL_VERIFIED and decides_on(user, registration) and not is_own
    context = {
        "registration": registration,
        "history": selectors.history(registration),
        "is_own": is_own,
        "may_open": registration.status == Status.PROVISIONED and _may_open(user, registration),
        "may_decide": may_decide,
        "grant_form": grant_form(registration),
        "reject_form": RejectForm(initial=version),
        "changes_form": ChangesForm(initial=version),
        "places": places() if may_decide and not registration.is_join else [],
        "earlier": earlier[:EARLIER_SHOWN],
        **forms,
        **_setup(request, registration),
    }
    return render(request, "registrations/approval.html", context)


def _may_open(user: User, registration: Registration) -> bool:
    return visible_projects(user).filter(namespace=registration.namespace).exists()


def _setup(request: HttpRequest, registration: Registration) -> dict[str, object]:
    retry_url = reverse("registrations:approval_retry", args=[registration.pk])
    return selectors.setup_of(
        registration,
        poll_url=reverse("registrations:approval_progress", args=[registration.pk]),
        retry_url=retry_url if may_retry(signed_in(request), registration) else "",
    )
