"""Doors for everybody: the forms. What the mail leads to is in `private`, what approvers see in `console`."""

from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import terms as data_use
from apps.accounts.access import client_address
from apps.accounts.models import User
from apps.core.counting import HOUR
from apps.registrations import environments, limits, links, namespaces, services
from apps.registrations.forms import ApplicantForm, JoinForm, RegistrationForm, posted
from apps.registrations.models import Registration

page_or_form = require_http_methods(["GET", "HEAD", "POST"])


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "registrations/terms.html", {"version": data_use.VERSION, "terms": data_use.TERMS})


@login_not_required
@page_or_form
def register(request: HttpRequest) -> HttpResponse:
    return _take(request, RegistrationForm(**posted(request), user=_person(request)))


@login_not_required
@page_or_form
def join(request: HttpRequest) -> HttpResponse:
    """An owner's link names the project: `?project=…`."""
    form = JoinForm(**posted(request), user=_person(request))
    form.fields["namespace"].initial = request.GET.get("project", "")[: namespaces.LONGEST]
    return _take(request, form)


@login_not_required
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    return render(request, "registrations/sent.html", {"has_outbox": settings.OUTBOX_DIR is not None})


@login_not_required
@require_safe
def namespace(request: HttpRequest, edited: Registration | None = None) -> HttpResponse:
    """The fragment below the form's field: what the namespace will be, and whether it is free."""
    if not limits.may_look_up(client_address=client_address(request)):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    asked = request.GET.get("namespace", "").strip()
    name = asked or namespaces.propose(request.GET.get("project_name", "")[:120], besides=edited)
    fault = namespaces.fault_of(asked) if asked else ""
    is_free = bool(name) and not fault and namespaces.is_free(name, besides=edited)
    context = {"name": name, "fault": fault, "is_free": is_free, "is_proposed": not asked}
    return render(request, "registrations/_namespace.html", context)


@login_not_required
@require_POST
def environment(request: HttpRequest) -> HttpResponse:
    """The fragment below the environment file's field: what was read out of it, or why it cannot be taken."""
    text = request.POST.get("environment_file", "")
    if not text.strip() or not limits.may_look_up(client_address=client_address(request)):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    try:
        context: dict[str, object] = {"environment": environments.read(text)}
    except environments.EnvironmentInvalid as invalid:
        context = {"fault": str(invalid)}
    return render(request, "registrations/_environment.html", context)


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _take(request: HttpRequest, form: ApplicantForm) -> HttpResponse:
    # The form says whether a namespace is free, as the fragment does.
    if form.is_bound and form.user is None and not limits.may_look_up(client_address=client_address(request)):
        return too_many(request)
    if not form.is_valid():
        return _form(request, form)
    application = form.application()
    if form.user is None and not limits.may_ask(client_address=client_address(request), email=application.email):
        return too_many(request)
    try:
        registration = services.submit(application, by=form.user)
    except (services.NamespaceTaken, services.JoinRefused) as refused:
        form.add_error("namespace", str(refused))
        return _form(request, form)
    # Strangers all get the same answer; only the mailbox learns more.
    return redirect(links.path_of(registration) if form.user else "registrations:sent")


def _form(request: HttpRequest, form: ApplicantForm) -> HttpResponse:
    return render(request, "registrations/register.html", {"form": form, "is_join": isinstance(form, JoinForm)})


def too_many(request: HttpRequest) -> HttpResponse:
    """429, with the way on."""
    response = render(request, "registrations/too_many.html", status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(HOUR)
    return response
