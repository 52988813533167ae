"""A project's settings: what it is, how long it lasts, what it may use, and how its life goes on."""

from collections.abc import Callable
from functools import partial

from django import forms
from django.conf import settings as django_settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.core.forms import Strict
from apps.core.lists import holding, listed
from apps.core.state import IllegalTransition
from apps.projects import granting, lifecycle
from apps.projects.access import Entry, Role, enter_settings, every_project
from apps.projects.forms import DeletionForm, DescriptionForm, ExtensionForm, ListForm, ResourcesForm, WhyForm
from apps.projects.history import shown_changes
from apps.projects.models import ExtensionRequest, Project, ProjectChange
from apps.projects.services import describe as write_description

Action = ProjectChange.Action
ROWS_A_PAGE = 50
MOVED_ON = "The project had moved on already: this is how it stands."
# Forms of one page that ask for the same things: the ids of their fields are their own.
_extension_form = partial(ExtensionForm, auto_id="id_extension_%s")
_suspend_form = partial(WhyForm, auto_id="id_suspend_%s")
_archive_form = partial(WhyForm, auto_id="id_archive_%s")
_deletion_form = partial(DeletionForm, auto_id="id_deletion_%s")


@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """Every project, the deleted ones as well, for administrators."""
    every = every_project(signed_in(request))

    def find(asked: dict[str, str]) -> QuerySet[Project]:
        found = every.filter(status=asked["status"]) if asked["status"] else every
        return holding(found, asked["q"].split(), "name", "namespace")

    context = listed(request, ListForm(request.GET), find, rows_a_page=ROWS_A_PAGE)
    return render(request, "projects/projects.html", context)


@require_safe
def settings(request: HttpRequest, namespace: str) -> HttpResponse:
    return _page(request, enter_settings(signed_in(request), namespace))


@require_POST
def describe(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = _owner(request, namespace)
    form = DescriptionForm(request.POST)
    if not form.is_valid():
        return _page(request, entry, description_form=form)
    write_description(entry.project, form.cleaned_data["description"], by=entry.user)
    messages.success(request, "The description is changed.")
    return redirect("projects:settings", namespace)


@require_POST
def ask_extension(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = _owner(request, namespace)
    form = _extension_form(request.POST)
    if not form.is_valid():
        return _page(request, entry, extension_form=form)
    act = partial(granting.ask_extension, entry.project, **form.cleaned_data, by=entry.user)
    return _act(request, entry, act, "Asked. The approvers were told; the answer comes by mail.", extension_form=form)


@require_POST
def withdraw_extension(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = _owner(request, namespace)
    waiting = ExtensionRequest.objects.filter(status=ExtensionRequest.Status.WAITING)
    asked = get_object_or_404(waiting, project=entry.project)
    return _act(request, entry, partial(granting.withdraw_extension, asked, by=entry.user), "Withdrawn.")


@require_POST
def grant(request: HttpRequest, namespace: str) -> HttpResponse:
    """What an administrator gives: resources and the last day."""
    entry = enter_settings(signed_in(request), namespace)
    entry.need_administrator()
    form = ResourcesForm(request.POST, project=entry.project)
    if not form.is_valid():
        return _page(request, entry, resources_form=form)
    act = partial(granting.grant, entry.project, form.granted(), ends_on=form.cleaned_data["ends_on"], by=entry.user)
    return _act(request, entry, act, "Granted. The owners are told by mail.", resources_form=form)


@require_POST
def suspend(request: HttpRequest, namespace: str) -> HttpResponse:
    return _turn(request, namespace, Action.SUSPEND, lifecycle.suspend, _suspend_form(request.POST), "Suspended.")


@require_POST
def resume(request: HttpRequest, namespace: str) -> HttpResponse:
    return _turn(request, namespace, Action.RESUME, lifecycle.resume, Strict(request.POST), "It goes on.")


@require_POST
def archive(request: HttpRequest, namespace: str) -> HttpResponse:
    return _turn(request, namespace, Action.ARCHIVE, lifecycle.archive, _archive_form(request.POST), "Archived.")


@require_POST
def restore(request: HttpRequest, namespace: str) -> HttpResponse:
    return _turn(request, namespace, Action.RESTORE, lifecycle.restore, Strict(request.POST), "It goes on.")


@require_POST
def schedule_deletion(request: HttpRequest, namespace: str) -> HttpResponse:
    done = "The project will be deleted. Until then it can be undone here."
    form = _deletion_form(request.POST)
    return _turn(request, namespace, Action.SCHEDULE_DELETION, lifecycle.schedule_deletion, form, done)


@require_POST
def undo_deletion(request: HttpRequest, namespace: str) -> HttpResponse:
    done = "The project is not deleted."
    return _turn(request, namespace, Action.UNDO_DELETION, lifecycle.undo_deletion, Strict(request.POST), done)


def _turn(
    request: HttpRequest, namespace: str, action: Action, verb: Callable[..., None], form: forms.Form, done: str
) -> HttpResponse:
    entry = enter_settings(signed_in(request), namespace)
    entry.need_turn(action)
    sent = {f"{action.value}_form": form}
    if not form.is_valid():
        return _page(request, entry, **sent)
    return _act(request, entry, partial(verb, entry.project, **form.cleaned_data, by=entry.user), done, **sent)


def _act(
    request: HttpRequest, entry: Entry, act: Callable[[], object], done: str, **sent: forms.BaseForm
) -> HttpResponse:
    """`sent` is the form, by its name in the template; what is refused because of a field of it stands there."""
    try:
        act()
    except IllegalTransition:
        messages.info(request, MOVED_ON)
    except lifecycle.LifeRefused as refused:
        if refused.field:
            for form in sent.values():
                form.add_error(refused.field, str(refused))
            return _page(request, entry, **sent)
        messages.error(request, str(refused))
    else:
        messages.success(request, done)
    return redirect("projects:settings", entry.project.namespace)


def _owner(request: HttpRequest, namespace: str) -> Entry:
    entry = enter_settings(signed_in(request), namespace)
    entry.need(Role.OWNER)
    return entry


def _page(request: HttpRequest, entry: Entry, **bound: forms.BaseForm) -> HttpResponse:
    """`bound` are the forms that were sent and have something to be corrected, by their names in the template."""
    project = entry.project
    turns = {action for action in lifecycle.FROM if entry.may_turn(action) and lifecycle.can_turn(project, action)}
    context = {
        "project": project,
        "is_owner": entry.can(Role.OWNER),
        "is_administrator": entry.user.is_administrator,
        "turns": turns,
        "is_held": project.is_held,
        "trouble": lifecycle.trouble_of(project),
        "waiting": granting.waiting_request(project),
        "can_ask": entry.can(Role.OWNER) and granting.can_be_extended(project),
        "allocation": project.allocation,
        "changes": shown_changes(project),
        "grace_days": django_settings.DELETION_GRACE_DAYS,
        "description_form": DescriptionForm(initial={"description": project.description}),
        "extension_form": _extension_form(),
        "resources_form": ResourcesForm(project=project),
        "suspend_form": _suspend_form(),
        "archive_form": _archive_form(),
        "schedule_deletion_form": _deletion_form(),
        **bound,
    }
    return render(request, "projects/settings.html", context)
