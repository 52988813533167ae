"""Doors to invitations: owners and administrators send them, and who has the link answers."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.accounts.keycloak import is_in_use
from apps.accounts.limits import counts_answers
from apps.accounts.models import User
from apps.accounts.services import password_link
from apps.core import lists
from apps.core.forms import takes_fields
from apps.projects import invitation_list, invitations, member_selectors
from apps.projects.access import Entry, Role, get_invitation, invitation_by_link, manage_members
from apps.projects.inviters import is_without_inviter
from apps.projects.member_forms import InvitationFilter, InviteForm, InviteManyForm, NewcomerForm
from apps.projects.member_views import page, page_or_form
from apps.projects.members import A_ROLE, MembersRefused
from apps.projects.models import Invitation

INVITATIONS_A_PAGE = 50
private = cache_control(no_store=True)


@page_or_form
def invite(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = manage_members(signed_in(request), namespace)
    form = InviteForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return page(request, entry, invite_form=form)
    try:
        invitation = invitations.invite(entry.project, form.invitee(), by=entry.user)
    except MembersRefused as refused:
        form.add_error("email", str(refused))
        return page(request, entry, invite_form=form)
    messages.success(request, f"{invitation.email} is invited.")
    return redirect("members:members", namespace)


@page_or_form
def invite_many(request: HttpRequest, namespace: str) -> HttpResponse:
    """The pasted list is shown back line by line before anybody is invited; then the same list is sent once more."""
    entry = manage_members(signed_in(request), namespace)
    form = InviteManyForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"project": entry.project, "form": form}
    if form.is_valid():
        lines = invitation_list.read(entry.project, form.cleaned_data["people"])
        good = [line for line in lines if not line.fault]
        if "confirmed" in request.POST and _invite_all(request, entry, [line.invitee for line in good]):
            return redirect("members:invitations", namespace)
        context |= {"lines": lines, "good": len(good), "bad": len(lines) - len(good)}
    return render(request, "projects/invite_many.html", context)


def _invite_all(request: HttpRequest, entry: Entry, invitees: list[invitations.Invitee]) -> bool:
    try:
        made = invitations.invite_all(entry.project, invitees, by=entry.user)
    except MembersRefused as refused:  # somebody else invites the same people in this moment
        messages.error(request, str(refused))
        return False
    if made:
        messages.success(request, f"{len(made)} people are invited." if len(made) > 1 else "1 person is invited.")
    else:
        messages.info(request, "Nobody was left to be invited.")
    return True


@require_safe
def listed(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = manage_members(signed_in(request), namespace)

    def find(asked: dict[str, str]) -> QuerySet[Invitation]:
        return member_selectors.invitations(entry.project.invitations.all(), words=asked["q"], status=asked["status"])

    context = lists.listed(request, InvitationFilter(request.GET), find, rows_a_page=INVITATIONS_A_PAGE)
    return render(request, "projects/invitations.html", {**context, "project": entry.project, "now": timezone.now()})


@require_POST
def resend(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = manage_members(signed_in(request), namespace)
    invitation = get_invitation(entry, pk)
    try:
        is_sent = invitations.resend(invitation, by=entry.user)
    except MembersRefused as refused:
        messages.error(request, str(refused))
    else:
        words = "gets a new link." if is_sent else "got a mail less than a minute ago."
        messages.success(request, f"{invitation.email} {words}")
    return redirect("members:invitations", namespace)


@require_POST
def revoke(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = manage_members(signed_in(request), namespace)
    invitation = get_invitation(entry, pk)
    try:
        invitations.revoke(invitation, by=entry.user)
    except MembersRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The invitation of {invitation.email} is taken back.")
    return redirect("members:invitations", namespace)


@login_not_required
@private
@require_safe
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link in the mail."""
    return _answer_page(request, token, invitation_by_link(token))


@login_not_required
@private
@require_POST
@counts_answers
@takes_fields(*NewcomerForm.base_fields)
def accept(request: HttpRequest, token: str) -> HttpResponse:
    invitation = invitation_by_link(token)
    if not isinstance(request.user, User):
        return _accept_as_newcomer(request, token, invitation)
    if request.user.email != invitation.email:
        return _answer_page(request, token, invitation)
    try:
        invitations.accept(invitation, by=request.user)
    except MembersRefused as refused:
        messages.error(request, str(refused))
        return redirect("members:invitation", token)
    messages.success(request, f"You are in {invitation.project.name} now.")
    return redirect("dashboard:project", invitation.project.namespace)


@login_not_required
@private
@require_POST
@counts_answers
@takes_fields()
def decline(request: HttpRequest, token: str) -> HttpResponse:
    invitation = invitation_by_link(token)
    user = request.user if isinstance(request.user, User) else None
    if user is not None and user.email != invitation.email:
        return _answer_page(request, token, invitation)
    try:
        invitations.decline(invitation, by=user)
    except MembersRefused as refused:
        messages.error(request, str(refused))
    return redirect("members:invitation", token)


def _accept_as_newcomer(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    form = NewcomerForm(request.POST)
    if not form.is_valid():
        return _answer_page(request, token, invitation, form=form)
    given = form.cleaned_data
    try:
        user = invitations.accept_as_newcomer(invitation, name=given["name"], affiliation=given["affiliation"])
    except MembersRefused as refused:
        messages.error(request, str(refused))
        return redirect("members:invitation", token)
    if is_in_use():
        return redirect("members:invitation", token)
    messages.success(request, f"You are in {invitation.project.name} now. Choose a password to sign in with.")
    return redirect(password_link(user))


def _answer_page(request: HttpRequest, token: str, invitation: Invitation, **shown: Any) -> HttpResponse:
    user = request.user if isinstance(request.user, User) else None
    context = {
        "invitation": invitation,
        "token": token,
        "is_valid": invitation.is_open and not is_without_inviter(invitation),
        "a_role": A_ROLE[Role(invitation.role)],
        "is_invited": user is not None and user.email == invitation.email,
        "is_somebody_else": user is not None and user.email != invitation.email,
        "has_account": User.objects.filter(email=invitation.email).exists(),
        "at_keycloak": is_in_use(),
        "form": NewcomerForm(initial={"name": invitation.name}),
    }
    return render(request, "projects/invitation.html", {**context, **shown})
