"""Doors for requesters: the private page that the mail leads to. Who has the link acts as the requester."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.access import client_address
from apps.accounts.limits import counts_answers
from apps.core.forms import takes_fields
from apps.core.state import IllegalTransition
from apps.provisioning import services as provisioning
from apps.registrations import limits, selectors, services, views
from apps.registrations.access import by_private_link
from apps.registrations.forms import FORMS, AnswerForm, ApplicantForm, posted
from apps.registrations.models import Registration

Status = Registration.Status
UNDECIDED = (Status.SUBMITTED, Status.EMAIL_VERIFIED, Status.CHANGES_REQUESTED)
private = cache_control(no_store=True)


@login_not_required
@private
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    return _page(request, by_private_link(token), token)


@login_not_required
@private
@require_safe
def namespace(request: HttpRequest, token: str) -> HttpResponse:
    return views.namespace(request, edited=by_private_link(token))


@login_not_required
@private
@require_safe
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """The steps, asked for every two seconds; then the whole page anew."""
    registration = by_private_link(token)
    if not selectors.is_being_set_up(registration):
        return HttpResponseClientRefresh()
    return render(request, "provisioning/_steps.html", _setup(registration, token))


@login_not_required
@private
@require_POST
@counts_answers
@takes_fields()
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    act = partial(services.confirm_address, by_private_link(token))
    return _act(request, token, act, "Your e-mail address is confirmed.")


@login_not_required
@private
@require_POST
@counts_answers
@takes_fields()
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    act = partial(services.withdraw, registration, by=registration.submitted_by)
    return _act(request, token, act, "The request is withdrawn.")


@login_not_required
@private
@require_POST
@counts_answers
def answer(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, registration, token, answer_form=form)
    act = partial(services.answer, registration, text=form.cleaned_data["answer"], by=registration.submitted_by)
    return _act(request, token, act, "Your answer is sent.")


@login_not_required
@private
@require_POST
@counts_answers
@takes_fields()
def retry(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    if registration.project is None:
        raise Http404
    if provisioning.retry(registration.project, by=registration.submitted_by):
        messages.success(request, "The step is tried again.")
    return redirect("registrations:request", token=token)


@login_not_required
@private
@views.page_or_form
@counts_answers
def edit(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    if registration.status != Status.CHANGES_REQUESTED:
        return redirect("registrations:request", token=token)
    # The form says whether a namespace is free, as the fragment does.
    if request.method == "POST" and not limits.may_look_up(client_address=client_address(request)):
        return views.too_many(request)
    form = FORMS[registration.kind](**posted(request), user=registration.submitted_by, edited=registration)
    if form.is_valid() and _amend(form, registration):
        is_same_mailbox = registration.status == Status.EMAIL_VERIFIED
        return redirect("registrations:request", token=token) if is_same_mailbox else redirect("registrations:sent")
    said = selectors.last_word(registration)
    context = {"form": form, "token": token, "said": said, "is_join": registration.is_join}
    return render(request, "registrations/register.html", context)


def _amend(form: ApplicantForm, registration: Registration) -> bool:
    try:
        services.amend(registration, form.application(), by=registration.submitted_by)
    except (services.NamespaceTaken, services.JoinRefused) as refused:
        form.add_error("namespace", str(refused))
        return False
    return True


def _act(request: HttpRequest, token: str, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except IllegalTransition:
        messages.info(request, "The request had moved on already: this is how it stands.")
    except (services.NamespaceTaken, services.JoinRefused) as refused:
        messages.error(request, f"{refused} Edit the request.")
    else:
        messages.success(request, done)
    return redirect("registrations:request", token=token)


def _page(
    request: HttpRequest, registration: Registration, token: str, *, answer_form: AnswerForm | None = None
) -> HttpResponse:
    context = {
        "registration": registration,
        "token": token,
        "said": selectors.last_word(registration),
        "history": selectors.history(registration),
        "is_undecided": registration.status in UNDECIDED,
        "ending": registration.ending_project,
        "answer_form": answer_form or AnswerForm(),
        **_setup(registration, token),
    }
    return render(request, "registrations/request.html", context)


def _setup(registration: Registration, token: str) -> dict[str, object]:
    return selectors.setup_of(
        registration,
        poll_url=reverse("registrations:progress", args=[token]),
        retry_url="" if registration.is_join else reverse("registrations:retry", args=[token]),
    )
