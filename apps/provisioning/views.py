from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.access import signed_in
from apps.projects.models import MembershipChange
from apps.provisioning import members
from apps.provisioning.access import member_change
from apps.provisioning.selectors import has_failed, lines_of, lines_of_change, steps_of_member


@require_safe
def show_member_change(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """What follows from a change of the members, step by step."""
    change, may_retry = member_change(signed_in(request), namespace, pk)
    context = {"project": change.project, "change": change, **_steps(change, may_retry=may_retry)}
    return render(request, "provisioning/member_change.html", context)


@require_safe
def member_progress(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """The steps, asked for every two seconds; then the whole page anew."""
    change, may_retry = member_change(signed_in(request), namespace, pk)
    if change.done_at is not None:
        return HttpResponseClientRefresh()
    return render(request, "provisioning/_steps.html", _steps(change, may_retry=may_retry))


@require_POST
def retry_member_change(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    user = signed_in(request)
    change, may_retry = member_change(user, namespace, pk)
    if not may_retry:
        raise Http404
    if members.retry(change, by=user):
        messages.success(request, "The step is tried again.")
    return redirect("provisioning:member_change", namespace, pk)


def _steps(change: MembershipChange, *, may_retry: bool) -> dict[str, Any]:
    steps, address = steps_of_member(change), [change.project.namespace, change.pk]
    can_retry = may_retry and has_failed(steps)
    return {
        "lines": lines_of(steps) or lines_of_change(change),
        "poll_url": reverse("provisioning:member_progress", args=address) if change.done_at is None else "",
        "retry_url": reverse("provisioning:retry_member_change", args=address) if can_retry else "",
    }
