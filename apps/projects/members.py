"""Who joins, gets another role, leaves. The portal's own row is changed at once and opens or closes everything here; a
`MembershipChange` asks for the rest, which the ledger of members does.

Every verb locks the project first: of two that would leave it without an owner the second waits, and is refused.
"""

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import changed, record
from apps.core import mail
from apps.core.doorbell import ring
from apps.projects import inviters, owners
from apps.projects.models import Invitation, Membership, MembershipChange, Project, Removal

Role = Membership.Role
Action = MembershipChange.Action
A_ROLE = {Role.OWNER: "an owner", Role.MEMBER: "a member", Role.VIEWER: "a viewer"}


class MembersRefused(Exception):
    """What was asked about the members cannot be; the sentence says why to the person who asked."""


class LastOwner(MembersRefused):
    """A project is never without an owner."""

    def __init__(self) -> None:
        super().__init__("This is the last owner of the project: make somebody else an owner first.")


class AlreadyMember(MembersRefused):
    """The person is in the project, with whatever role."""

    def __init__(self, user: User) -> None:
        super().__init__(f"{user.name} is in this project already.")


class NotMember(MembersRefused):
    """The person is not in the project, or left it a moment ago."""

    def __init__(self) -> None:
        super().__init__("This person is not in the project any more.")


class NotOwner(MembersRefused):
    """Only an owner has something to hand over."""

    def __init__(self) -> None:
        super().__init__("Only an owner can hand the project over.")


class OwnersExport(MembersRefused):
    """The right to export comes with ownership."""

    def __init__(self) -> None:
        super().__init__("Owners may always export: change the role first.")


class TakesNobody(MembersRefused):
    """The project's state lets nobody join."""

    def __init__(self, project: Project) -> None:
        super().__init__(f"Nobody can join the project now: {project.badge.word.lower()}.")


def add_member(
    project: Project, user: User, *, role: Role, by: User | None, may_export: bool | None = None
) -> MembershipChange:
    """The person is in the project from now on; owners may export, others if `may_export` says so.

    Raises AlreadyMember and TakesNobody.
    """
    with transaction.atomic():
        if not project.locked().takes_work:
            raise TakesNobody(project)
        if Membership.objects.filter(project=project, user=user).exists():
            raise AlreadyMember(user)
        Removal.objects.filter(project=project, user=user).delete()
        may_export = role == Role.OWNER or bool(may_export)
        membership = Membership.objects.create(project=project, user=user, role=role, may_export=may_export)
        _record("member.added", membership, by, role=role, may_export=may_export)
        return _ask(membership, Action.JOIN, by)


def change_role(membership: Membership, *, role: Role, by: User) -> MembershipChange | None:
    """None when the person has this role already. Raises LastOwner and NotMember."""
    with transaction.atomic():
        current = _current(membership)
        if current.role == role:
            return None
        _refuse_last_owner(current)
        return _give(current, role, by)


def set_export(membership: Membership, *, may_export: bool, by: User) -> None:
    """Gives or takes the right to take images out of the platform. Raises OwnersExport and NotMember."""
    with transaction.atomic():
        current = _current(membership)
        if current.role == Role.OWNER:
            if may_export:
                return
            raise OwnersExport
        if current.may_export != may_export:
            Membership.objects.filter(pk=current.pk).update(may_export=may_export)
            _tell_export(current, may_export, by)
            _record("member.export_changed", current, by, may_export=changed(current.may_export, may_export))


def change(membership: Membership, *, by: User, role: str | None = None, may_export: bool | None = None) -> None:
    """Both or neither, the role first. Raises LastOwner, NotMember and OwnersExport."""
    with transaction.atomic():
        if role is not None:
            change_role(membership, role=Role(role), by=by)
        if may_export is not None:
            set_export(membership, may_export=may_export, by=by)


def remove_member(project: Project, user: User, *, by: User) -> MembershipChange | None:
    """Takes the person out of the project; None when they are out already. Raises LastOwner."""
    with transaction.atomic():
        project.locked()
        membership = Membership.objects.filter(project=project, user=user).first()
        if membership is None:
            return None
        _refuse_last_owner(membership)
        _record("member.removed", membership, by, role=membership.role)
        membership.delete()
        wish = {"asked_at": timezone.now(), "done_at": None}
        Removal.objects.update_or_create(project=project, user=user, defaults=wish)
        _end_invitations(membership, by)
        return _ask(membership, Action.LEAVE, by)


def leave(project: Project, user: User) -> MembershipChange | None:
    """The person goes by themselves. Raises LastOwner."""
    return remove_member(project, user, by=user)


def hand_over(project: Project, *, to: User, by: User) -> None:
    """`to` becomes an owner and `by` a member: both or neither. What `by` has invited goes on in the name of `to`.

    Raises NotOwner, and NotMember for who is to get it.
    """
    with transaction.atomic():
        project.locked()
        giver = Membership.objects.filter(project=project, user=by, role=Role.OWNER).first()
        taker = Membership.objects.filter(project=project, user=to).exclude(user=by).first()
        if giver is None:
            raise NotOwner
        if taker is None:
            raise NotMember
        if taker.role != Role.OWNER:
            _give(taker, Role.OWNER, by)
        inviters.pass_on(project, giver=by, taker=to)
        _give(giver, Role.MEMBER, by)


def _current(membership: Membership) -> Membership:
    membership.project.locked()
    current = Membership.objects.select_related("project", "user").filter(pk=membership.pk).first()
    if current is None:
        raise NotMember
    return current


def _refuse_last_owner(membership: Membership) -> None:
    if membership.role == Role.OWNER and owners.is_last(membership):
        raise LastOwner


def _end_invitations(membership: Membership, by: User) -> None:
    """Who was removed does not come back by an older link, nor by one to another address of theirs."""
    project, user = membership.project, membership.user
    for invitation in project.invitations.filter(status=Invitation.Status.WAITING, email=user.email):
        invitation.move_to(Invitation.Status.REVOKED, by=by.pk, why="removed from the project")
        record("invitation.revoked", actor=by.pk, project=project.pk, subject=invitation)
    inviters.close_those_of(user, project, by=by)


def _give(membership: Membership, role: Role, by: User) -> MembershipChange:
    before = membership.role
    membership.may_export, membership.role = membership.may_export_as(role), role
    membership.changed_at, membership.grouped_at = timezone.now(), None
    membership.save(update_fields=["role", "may_export", "changed_at", "grouped_at"])
    _record("member.role_changed", membership, by, role=changed(before, role))
    inviters.close_those_of(membership.user, membership.project, by=by)
    return _ask(membership, Action.ROLE, by)


def _ask(membership: Membership, action: Action, by: User | None) -> MembershipChange:
    change = MembershipChange.objects.create(
        project=membership.project, user=membership.user, action=action, role=membership.role, asked_by=by
    )
    ring("provisioning.advance_member", change.pk)
    return change


def _tell_export(membership: Membership, may_export: bool, by: User) -> None:
    words = "may take images out of" if may_export else "may no longer take images out of"
    mail.post(
        to=membership.user.email,
        subject=f"You {words} the project {membership.project.name}",
        template="projects/mail/export.txt",
        context={"membership": membership, "may_export": may_export, "by": by},
    )


def _record(action: str, membership: Membership, by: User | None, **detail: object) -> None:
    record(
        action,
        actor=by.pk if by else None,
        project=membership.project_id,
        subject=membership,
        member=membership.user_id,
        **detail,
    )
