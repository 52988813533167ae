"""Doors for requesters: the form, and the private page that the mail leads to."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts import terms as data_use
from apps.accounts.access import client_address
from apps.accounts.models import User
from apps.core.state import IllegalTransition
from apps.provisioning import services as provisioning
from apps.registrations import limits, links, namespaces, selectors, services
from apps.registrations.access import by_private_link
from apps.registrations.forms import RegistrationForm
from apps.registrations.models import Registration

Status = Registration.Status
UNDECIDED = (Status.SUBMITTED, Status.EMAIL_VERIFIED, Status.CHANGES_REQUESTED)
page_or_form = require_http_methods(["GET", "HEAD", "POST"])
private = cache_control(no_store=True)


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "registrations/terms.html", {"version": data_use.VERSION, "terms": data_use.TERMS})


@login_not_required
@page_or_form
def register(request: HttpRequest) -> HttpResponse:
    user = request.user if isinstance(request.user, User) else None
    form = RegistrationForm(_posted(request), user=user)
    if not form.is_valid():
        return render(request, "registrations/register.html", {"form": form})
    application = form.application()
    if user is None and not limits.may_ask(client_address=client_address(request), email=application.email):
        return _too_many(request)
    try:
        registration = services.submit(application, by=user)
    except services.NamespaceTaken as taken:
        form.add_error("namespace", str(taken))
        return render(request, "registrations/register.html", {"form": form})
    # Strangers all get the same answer; only the mailbox learns more.
    return redirect(links.path_of(registration) if user else "registrations:sent")


@login_not_required
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    return render(request, "registrations/sent.html", {"has_outbox": settings.OUTBOX_DIR is not None})


@login_not_required
@require_safe
def namespace(request: HttpRequest, token: str = "") -> HttpResponse:
    """The fragment below the form's field: what the namespace will be, and whether it is free."""
    edited = by_private_link(token) if token else None
    if not limits.may_look_up(client_address=client_address(request)):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    asked = request.GET.get("namespace", "").strip()
    name = asked or namespaces.propose(request.GET.get("project_name", "")[:120], besides=edited)
    fault = namespaces.fault_of(asked) if asked else ""
    is_free = bool(name) and not fault and namespaces.is_free(name, besides=edited)
    context = {"name": name, "fault": fault, "is_free": is_free, "is_proposed": not asked}
    return render(request, "registrations/_namespace.html", context)


@login_not_required
@private
@require_safe
def request_page(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    context = {
        "registration": registration,
        "token": token,
        "said": selectors.last_word(registration),
        "history": selectors.history(registration),
        "is_undecided": registration.status in UNDECIDED,
        **_setup(registration, token),
    }
    return render(request, "registrations/request.html", context)


@login_not_required
@private
@require_safe
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """The steps, asked for every two seconds; then the whole page anew."""
    registration = by_private_link(token)
    if registration.status != Status.APPROVED:
        return HttpResponseClientRefresh()
    return render(request, "provisioning/_steps.html", _setup(registration, token))


@login_not_required
@private
@require_POST
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    act = partial(services.confirm_address, by_private_link(token))
    return _act(request, token, act, "Your e-mail address is confirmed.")


@login_not_required
@private
@require_POST
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    act = partial(services.withdraw, registration, by=registration.submitted_by)
    return _act(request, token, act, "The request is withdrawn.")


@login_not_required
@private
@require_POST
def retry(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    if registration.project is None:
        raise Http404
    if provisioning.retry(registration.project, by=registration.submitted_by):
        messages.success(request, "The step is tried again.")
    return redirect("registrations:request", token=token)


@login_not_required
@private
@page_or_form
def edit(request: HttpRequest, token: str) -> HttpResponse:
    registration = by_private_link(token)
    if registration.status != Status.CHANGES_REQUESTED:
        return redirect("registrations:request", token=token)
    form = RegistrationForm(_posted(request), user=registration.submitted_by, edited=registration)
    if form.is_valid() and _amend(form, registration):
        is_same_mailbox = registration.status == Status.EMAIL_VERIFIED
        return redirect("registrations:request", token=token) if is_same_mailbox else redirect("registrations:sent")
    context = {"form": form, "token": token, "said": selectors.last_word(registration)}
    return render(request, "registrations/register.html", context)


def _amend(form: RegistrationForm, registration: Registration) -> bool:
    try:
        services.amend(registration, form.application(), by=registration.submitted_by)
    except services.NamespaceTaken as taken:
        form.add_error("namespace", str(taken))
        return False
    return True


def _act(request: HttpRequest, token: str, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except IllegalTransition:
        messages.info(request, "The request had moved on already: this is how it stands.")
    else:
        messages.success(request, done)
    return redirect("registrations:request", token=token)


def _setup(registration: Registration, token: str) -> dict[str, object]:
    return selectors.setup_of(
        registration,
        poll_url=reverse("registrations:progress", args=[token]),
        retry_url=reverse("registrations:retry", args=[token]),
    )


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _too_many(request: HttpRequest) -> HttpResponse:
    response = render(request, "registrations/too_many.html", status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(limits.HOUR)
    return response
