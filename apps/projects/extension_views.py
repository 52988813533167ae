"""Doors for approvers: who asks for more time, and the decision."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.core.state import IllegalTransition
from apps.core.templatetags.ui import ago
from apps.projects import granting
from apps.projects.access import extension_to_decide, visible_extensions
from apps.projects.forms import GrantExtensionForm, RefuseExtensionForm
from apps.projects.lifecycle import LifeRefused
from apps.projects.models import ExtensionRequest

Status = ExtensionRequest.Status
ROWS_A_PAGE = 25
_refuse_form = partial(RefuseExtensionForm, auto_id="id_refuse_%s")  # it stands beside another


@require_safe
def extensions(request: HttpRequest) -> HttpResponse:
    """What waits; everything that was ever asked by `?all=1`."""
    found = visible_extensions(signed_in(request))
    is_all = bool(request.GET.get("all"))
    rows = found.order_by("-pk") if is_all else found.filter(status=Status.WAITING).order_by("pk")
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "is_all": is_all, "querystring": "all=1" if is_all else ""}
    return render(request, "projects/extensions.html", context)


@require_safe
def extension(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, get_object_or_404(visible_extensions(signed_in(request)), pk=pk))


@require_POST
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    asked = extension_to_decide(user, pk)
    form = GrantExtensionForm(request.POST, request=asked)
    if not form.is_valid():
        return _page(request, asked, grant_form=form)
    act = partial(granting.grant_extension, asked, **form.cleaned_data, by=user)
    return _decide(request, asked, act, "Granted. The owners are told by mail.")


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    asked = extension_to_decide(user, pk)
    form = _refuse_form(request.POST)
    if not form.is_valid():
        return _page(request, asked, refuse_form=form)
    act = partial(granting.refuse_extension, asked, **form.cleaned_data, by=user)
    return _decide(request, asked, act, "Refused. The owners get the reason by mail.")


def _decide(request: HttpRequest, asked: ExtensionRequest, act: Callable[[], None], done: str) -> HttpResponse:
    try:
        act()
    except LifeRefused as refused:
        messages.error(request, str(refused))
    except IllegalTransition:
        asked.refresh_from_db()
        who = asked.decided_by.name if asked.decided_by else asked.asked_by.name
        first = f"{asked.badge.word} already by {who}, {ago(asked.status_changed_at)}."
        messages.warning(request, first)
    else:
        messages.success(request, done)
    return redirect("projects:extension", asked.pk)


def _page(
    request: HttpRequest,
    asked: ExtensionRequest,
    *,
    grant_form: GrantExtensionForm | None = None,
    refuse_form: RefuseExtensionForm | None = None,
) -> HttpResponse:
    user = signed_in(request)
    context = {
        "asked": asked,
        "is_own": asked.asked_by_id == user.pk,
        "may_decide": asked.status == Status.WAITING and user.may_approve and asked.asked_by_id != user.pk,
        "grant_form": grant_form or GrantExtensionForm(request=asked),
        "refuse_form": refuse_form or _refuse_form(),
    }
    return render(request, "projects/extension.html", context)
