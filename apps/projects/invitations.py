"""Asking people by e-mail to join. Whoever has the link has the mailbox: to accept is to prove the address.

Only the link's hash is kept. A link holds for 14 days; sending it again makes another and ends the former.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from apps.accounts import terms
from apps.accounts.models import User
from apps.accounts.services import ensure_account
from apps.audit.services import record
from apps.core import mail
from apps.core.digests import digest_of
from apps.core.state import IllegalTransition
from apps.projects.inviters import is_without_inviter
from apps.projects.members import A_ROLE, AlreadyMember, MembersRefused, TakesNobody, add_member
from apps.projects.models import Invitation, Membership, Project

Role = Membership.Role
Status = Invitation.Status
VALID_FOR = timedelta(days=14)
SENT_AGAIN_AFTER = timedelta(minutes=1)
MAILS_A_DAY = 5
"""So many to one address for one project, however they come about."""


class AlreadyInvited(MembersRefused):
    """An invitation to this address waits for its answer."""

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} is invited already: send that invitation again instead.")


class InvitationOver(MembersRefused):
    """It was answered or taken back, or its time is over."""

    def __init__(self, invitation: Invitation) -> None:
        super().__init__(f"This invitation {WORDS[Status(invitation.status)]}.")


class NoLongerValid(MembersRefused):
    """Who sent the invitation may not invite to the project any more."""

    def __init__(self) -> None:
        super().__init__(f"This invitation {WORDS[Status.CLOSED]}.")


class MailedEnough(MembersRefused):
    """The address gets no further invitation to this project today."""

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} got {MAILS_A_DAY} invitations to this project today: go on tomorrow.")


class SignInFirst(MembersRefused):
    """There is an account with the invited address: only its person accepts."""

    def __init__(self) -> None:
        super().__init__("You have an account with this address: sign in to accept the invitation.")


WORDS = {
    Status.WAITING: "is out of date",
    Status.ACCEPTED: "was accepted already",
    Status.DECLINED: "was declined",
    Status.REVOKED: "was taken back",
    Status.CLOSED: "is no longer valid: ask the project for another",
}


@dataclass(frozen=True)
class Invitee:
    """Who is to be asked; the address in lower case."""

    email: str
    role: Role
    name: str = ""


def invite(project: Project, invitee: Invitee, *, by: User) -> Invitation:
    """Raises AlreadyMember, AlreadyInvited, MailedEnough and TakesNobody."""
    member = User.objects.filter(email=invitee.email, memberships__project=project).first()
    if member is not None:
        raise AlreadyMember(member)
    return invite_all(project, [invitee], by=by)[0]


def invite_all(project: Project, invitees: Iterable[Invitee], *, by: User) -> list[Invitation]:
    """Invites all of them or nobody; who is a member is the caller's to find.

    Raises AlreadyInvited, MailedEnough and TakesNobody.
    """
    invitees = list(invitees)
    with transaction.atomic():
        _lock_open(project)
        _refuse_mailed(project, [invitee.email for invitee in invitees])
        return [_invite(project, invitee, by) for invitee in invitees]


def resend(invitation: Invitation, *, by: User) -> bool:
    """A new link for another 14 days; False when one was sent a moment ago.

    Raises InvitationOver, MailedEnough and TakesNobody.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        _lock_open(invitation.project)
        rows = Invitation.objects.select_for_update(no_key=True)
        current = rows.filter(pk=invitation.pk, status=Status.WAITING).first()
        if current is None:
            raise InvitationOver(Invitation.objects.get(pk=invitation.pk))
        if current.sent_at > timezone.now() - SENT_AGAIN_AFTER:
            return False
        _refuse_mailed(current.project, [current.email])
        _renew(current, token)
        record("invitation.sent_again", actor=by.pk, project=current.project_id, subject=current)
        _send(current, token)
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

    Raises InvitationOver, NoLongerValid and TakesNobody.
    """
    if by.email != invitation.email:
        raise ValueError("an invitation is accepted by the person with its address")
    with transaction.atomic():
        invitation.project.locked()
        _need_valid(invitation)
        _move(invitation, Status.ACCEPTED, by)
        record("invitation.accepted", actor=by.pk, project=invitation.project_id, subject=invitation)
        try:
            add_member(invitation.project, by, role=Role(invitation.role), by=invitation.invited_by)
        except AlreadyMember:
            return


def accept_as_newcomer(invitation: Invitation, *, name: str, affiliation: str) -> User:
    """Makes an account; its person has accepted the terms of today.

    Raises SignInFirst, InvitationOver, NoLongerValid and TakesNobody.
    """
    with transaction.atomic():
        _need_valid(invitation)
        if User.objects.filter(email=invitation.email).exists():
            raise SignInFirst
        user = ensure_account(email=invitation.email, name=name, affiliation=affiliation)
        accept(invitation, by=user)
        accepted = {"terms_version": terms.VERSION, "terms_accepted_at": timezone.now()}
        Invitation.objects.filter(pk=invitation.pk).update(**accepted)
    return user


def _invite(project: Project, invitee: Invitee, by: User) -> Invitation:
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


def _renew(invitation: Invitation, token: str) -> None:
    now, is_first_today = timezone.now(), timezone.localdate(invitation.sent_at) != timezone.localdate()
    invitation.mails_that_day = 1 if is_first_today else invitation.mails_that_day + 1
    invitation.digest, invitation.sent_at, invitation.expires_at = digest_of(token), now, now + VALID_FOR
    invitation.save(update_fields=["digest", "sent_at", "expires_at", "mails_that_day"])


def _lock_open(project: Project) -> None:
    """Nobody suspends or ends the project until the caller's transaction ends."""
    locked = project.locked()
    if not locked.takes_work:
        raise TakesNobody(locked)


def mailed_enough(project: Project, emails: Collection[str]) -> set[str]:
    """Those of the addresses that get no further invitation to the project today."""
    today = project.invitations.filter(email__in=emails, sent_at__date=timezone.localdate())
    counted = today.values("email").annotate(mails=Sum("mails_that_day"))
    return set(counted.filter(mails__gte=MAILS_A_DAY).values_list("email", flat=True))


def _refuse_mailed(project: Project, emails: Collection[str]) -> None:
    for email in mailed_enough(project, emails):
        raise MailedEnough(email)


def _need_valid(invitation: Invitation) -> None:
    if not invitation.is_open:
        raise InvitationOver(invitation)
    if is_without_inviter(invitation):
        raise NoLongerValid


def _move(invitation: Invitation, status: Status, by: User | None) -> None:
    try:
        invitation.move_to(status, by=by.pk if by else None)
    except IllegalTransition as error:
        raise InvitationOver(Invitation.objects.get(pk=invitation.pk)) from error
