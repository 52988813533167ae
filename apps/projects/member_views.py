"""Doors to the members of a project: everybody in it sees them; owners and administrators change them."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import signed_in
from apps.core import lists
from apps.projects import member_selectors, members
from apps.projects.access import Entry, Role, enter, get_membership, manage_members
from apps.projects.member_forms import ExportForm, InviteForm, MemberFilter, RoleForm
from apps.projects.models import Invitation, Membership

MEMBERS_A_PAGE = 50
page_or_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def listed(request: HttpRequest, namespace: str) -> HttpResponse:
    return page(request, enter(signed_in(request), namespace))


def page(request: HttpRequest, entry: Entry, **shown: Any) -> HttpResponse:
    """The list, also with a form on it that was not filled in rightly."""

    def find(asked: dict[str, str]) -> QuerySet[Membership]:
        return member_selectors.matching(entry.project.memberships.all(), words=asked["q"], role=asked["role"])

    may_manage = entry.is_owner_or_administrator
    context = {
        "project": entry.project,
        **lists.listed(request, MemberFilter(request.GET), find, rows_a_page=MEMBERS_A_PAGE),
        "roles": Role.choices,
        "is_member": entry.is_member,
        "is_owner": entry.is_member and entry.role == Role.OWNER,
        "may_manage": may_manage,
        "work": member_selectors.work_of(entry.project, user_pks=None if may_manage else [entry.user.pk]),
        **(_for_managers(entry) if may_manage else {}),
    }
    return render(request, "projects/members.html", {**context, **shown})


@require_POST
def change_role(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = manage_members(signed_in(request), namespace)
    membership = get_membership(entry, pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the roles.")
        return _back(entry)
    role = Role(form.cleaned_data["role"])
    try:
        change = members.change_role(membership, role=role, by=entry.user)
    except members.MembersRefused as refused:
        messages.error(request, str(refused))
    else:
        if change is not None:
            messages.success(request, f"{membership.user.name} is {role.label.lower()} now.")
    return _back(entry)


@require_POST
def set_export(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = manage_members(signed_in(request), namespace)
    membership, form = get_membership(entry, pk), ExportForm(request.POST)
    may_export = form.is_valid() and form.cleaned_data["may_export"]
    try:
        members.set_export(membership, may_export=may_export, by=entry.user)
    except members.MembersRefused as refused:
        messages.error(request, str(refused))
    else:
        words = "may take images out of the platform now" if may_export else "may not take images out any more"
        messages.success(request, f"{membership.user.name} {words}.")
    return _back(entry)


@page_or_form
def remove(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = manage_members(signed_in(request), namespace)
    membership = get_membership(entry, pk)
    if request.method != "POST":
        return _ask(request, membership, "remove")
    try:
        members.remove_member(entry.project, membership.user, by=entry.user)
    except members.MembersRefused as refused:
        messages.error(request, str(refused))
        return _back(entry)
    messages.success(request, f"{membership.user.name} is out of the project.")
    is_self = membership.user_id == entry.user.pk and not entry.user.may_look
    return redirect("dashboard:home") if is_self else _back(entry)


@page_or_form
def leave(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    membership = entry.project.memberships.select_related("user", "project").filter(user=entry.user).first()
    if membership is None:
        messages.info(request, "You are not in this project.")
        return _back(entry)
    if request.method != "POST":
        return _ask(request, membership, "leave")
    try:
        members.leave(entry.project, entry.user)
    except members.MembersRefused as refused:
        messages.error(request, str(refused))
        return _back(entry)
    messages.success(request, f"You have left {entry.project.name}.")
    return redirect("dashboard:home")


@page_or_form
def hand_over(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """To the member whose row it is."""
    entry = enter(signed_in(request), namespace, at_least=Role.OWNER)
    membership = get_membership(entry, pk)
    if request.method != "POST":
        return _ask(request, membership, "hand_over")
    try:
        members.hand_over(entry.project, to=membership.user, by=entry.user)
    except members.MembersRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{membership.user.name} is an owner now, and you are a member.")
    return _back(entry)


def _for_managers(entry: Entry) -> dict[str, Any]:
    waiting = entry.project.invitations.filter(status=Invitation.Status.WAITING)
    return {"invite_form": InviteForm(), "invited_count": waiting.count()}


def _ask(request: HttpRequest, membership: Membership, what: str) -> HttpResponse:
    context = {"project": membership.project, "membership": membership, "what": what}
    return render(request, "projects/member_confirm.html", context)


def _back(entry: Entry) -> HttpResponse:
    return redirect("members:members", entry.project.namespace)
