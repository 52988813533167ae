from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.access import signed_in
from apps.projects.access import Entry, enter_settings
from apps.projects.models import ProjectChange
from apps.provisioning import lifecycle
from apps.provisioning.selectors import has_failed, lines_of, lines_of_turn, steps_of_life


@require_safe
def project_change(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """What follows from a turn in a project's life, step by step."""
    entry, change = _change(request, namespace, pk)
    context = {"project": entry.project, "change": change, **_steps(entry, change)}
    return render(request, "provisioning/project_change.html", context)


@require_safe
def project_steps(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """The steps, asked for every two seconds; then the whole page anew."""
    entry, change = _change(request, namespace, pk)
    if change.done_at is not None:
        return HttpResponseClientRefresh()
    return render(request, "provisioning/_steps.html", _steps(entry, change))


@require_POST
def retry_project(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry, change = _change(request, namespace, pk)
    entry.need_owner_or_administrator()
    if lifecycle.retry(change, by=entry.user):
        messages.success(request, "The step is tried again.")
    return redirect("provisioning:project_change", namespace, pk)


def _change(request: HttpRequest, namespace: str, pk: int) -> tuple[Entry, ProjectChange]:
    entry = enter_settings(signed_in(request), namespace)
    return entry, get_object_or_404(ProjectChange.objects.select_related("by"), project=entry.project, pk=pk)


def _steps(entry: Entry, change: ProjectChange) -> dict[str, Any]:
    steps, address = steps_of_life(change), [entry.project.namespace, change.pk]
    can_retry = has_failed(steps) and entry.is_owner_or_administrator and change.done_at is None
    is_ahead = not steps and change.done_at is None
    return {
        "lines": lines_of_turn(change) if is_ahead else lines_of(steps),
        "poll_url": reverse("provisioning:project_steps", args=address) if change.done_at is None else "",
        "retry_url": reverse("provisioning:retry_project", args=address) if can_retry else "",
    }
