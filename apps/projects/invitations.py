"""Asking people by e-mail to join. Whoever has the link has the mailbox: to accept is to prove the address.

Only the link's hash is kept. A link holds for 14 days; sending it again makes another and ends the former.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import terms
from apps.accounts.models import User
from apps.accounts.services import ensure_account
from apps.audit.services import record
from apps.core import mail
from apps.core.digests import digest_of
from apps.core.state import IllegalTransition
from apps.projects.members import A_ROLE, AlreadyMember, MembersRefused, TakesNobody, add_member
from apps.projects.models import Invitation, Membership, Project

Role = Membership.Role
Status = Invitation.Status
VALID_FOR = timedelta(days=14)
SENT_AGAIN_AFTER = timedelta(minutes=1)


class AlreadyInvited(MembersRefused):
    """An invitation to this address waits for its answer."""

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} is invited already: send that invitation again instead.")


class InvitationOver(MembersRefused):
    """It was answered or taken back, or its time is over."""

    def __init__(self, invitation: Invitation) -> None:
        word = "is out of date" if invitation.status == Status.WAITING else f"was {WORDS[Status(invitation.status)]}"
        super().__init__(f"This invitation {word}.")


class SignInFirst(MembersRefused):
    """There is an account with the invited address: only its person accepts."""

    def __init__(self) -> None:
        super().__init__("You have an account with this address: sign in to accept the invitation.")


WORDS = {Status.ACCEPTED: "accepted already", Status.DECLINED: "declined", Status.REVOKED: "taken back"}


@dataclass(frozen=True)
class Invitee:
    """Who is to be asked; the address in lower case."""

    email: str
    role: Role
    name: str = ""


def invite(project: Project, invitee: Invitee, *, by: User) -> Invitation:
    """Raises AlreadyMember, AlreadyInvited and TakesNobody."""
    member = User.objects.filter(email=invitee.email, memberships__project=project).first()
    if member is not None:
        raise AlreadyMember(member)
    return _invite(project, invitee, by)


def invite_all(project: Project, invitees: Iterable[Invitee], *, by: User) -> list[Invitation]:
    """Invites all of them or nobody. Raises AlreadyInvited and TakesNobody; who is a member is the caller's to find."""
    with transaction.atomic():
        return [_invite(project, invitee, by) for invitee in invitees]


def resend(invitation: Invitation, *, by: User) -> bool:
    """A new link for another 14 days; False when one was sent a moment ago. Raises InvitationOver and TakesNobody."""
    _need_open_project(invitation.project)
    now, token = timezone.now(), secrets.token_urlsafe(32)
    with transaction.atomic():
        rows = Invitation.objects.filter(pk=invitation.pk, status=Status.WAITING)
        if not rows.exists():
            raise InvitationOver(Invitation.objects.get(pk=invitation.pk))
        fields = {"digest": digest_of(token), "sent_at": now, "expires_at": now + VALID_FOR}
        if not rows.filter(sent_at__lt=now - SENT_AGAIN_AFTER).update(**fields):
            return False
        invitation.refresh_from_db()
        record("invitation.sent_again", actor=by.pk, project=invitation.project_id, subject=invitation)
        _send(invitation, token)
    return True


def revoke(invitation: Invitation, *, by: User) -> None:
    """The link opens nothing any more. Raises InvitationOver when it was answered meanwhile."""
    with transaction.atomic():
        _move(invitation, Status.REVOKED, by)
        record("invitation.revoked", actor=by.pk, project=invitation.project_id, subject=invitation)


def decline(invitation: Invitation, *, by: User | None) -> None:
    """Raises InvitationOver."""
    with transaction.atomic():
        _move(invitation, Status.DECLINED, by)
        actor = by.pk if by else None
        record("invitation.declined", actor=actor, project=invitation.project_id, subject=invitation)
        mail.post(
            to=invitation.invited_by.email,
            subject=f"{invitation.email} has declined your invitation to {invitation.project.name}",
            template="projects/mail/declined.txt",
            context={"invitation": invitation},
        )


def accept(invitation: Invitation, *, by: User) -> None:
    """The person with the invited address is in the project; who came in another way meanwhile keeps that role.

    Raises InvitationOver and TakesNobody.
    """
    if by.email != invitation.email:
        raise ValueError("an invitation is accepted by the person with its address")
    with transaction.atomic():
        invitation.project.locked()
        _need_time(invitation)
        _move(invitation, Status.ACCEPTED, by)
        record("invitation.accepted", actor=by.pk, project=invitation.project_id, subject=invitation)
        try:
            add_member(invitation.project, by, role=Role(invitation.role), by=invitation.invited_by)
        except AlreadyMember:
            return


def accept_as_newcomer(invitation: Invitation, *, name: str, affiliation: str) -> User:
    """Makes an account; its person has accepted the terms of today.

    Raises SignInFirst, InvitationOver and TakesNobody.
    """
    with transaction.atomic():
        _need_time(invitation)
        if User.objects.filter(email=invitation.email).exists():
            raise SignInFirst
        user = ensure_account(email=invitation.email, name=name, affiliation=affiliation)
        accept(invitation, by=user)
        accepted = {"terms_version": terms.VERSION, "terms_accepted_at": timezone.now()}
        Invitation.objects.filter(pk=invitation.pk).update(**accepted)
    return user


def _invite(project: Project, invitee: Invitee, by: User) -> Invitation:
    _need_open_project(project)
    token = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                project=project,
                email=invitee.email,
                name=invitee.name,
                role=invitee.role,
                invited_by=by,
                status=Status.WAITING,
                digest=digest_of(token),
                expires_at=timezone.now() + VALID_FOR,
            )
            record("invitation.made", actor=by.pk, project=project.pk, subject=invitation, role=invitee.role)
            _send(invitation, token)
    except IntegrityError as error:
        raise AlreadyInvited(invitee.email) from error
    return invitation


def _send(invitation: Invitation, token: str) -> None:
    mail.post(
        to=invitation.email,
        subject=f"{invitation.invited_by.name} invites you to the project {invitation.project.name}",
        template="projects/mail/invitation.txt",
        context={"invitation": invitation, "token": token, "a_role": A_ROLE[Role(invitation.role)]},
    )


def _need_open_project(project: Project) -> None:
    if not project.takes_work:
        raise TakesNobody(project)


def _need_time(invitation: Invitation) -> None:
    if not invitation.is_open:
        raise InvitationOver(invitation)


def _move(invitation: Invitation, status: Status, by: User | None) -> None:
    try:
        invitation.move_to(status, by=by.pk if by else None)
    except IllegalTransition as error:
        raise InvitationOver(Invitation.objects.get(pk=invitation.pk)) from error
