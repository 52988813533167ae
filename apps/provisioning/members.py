"""What follows from a change of the members, step by step: account, Keycloak, workspace, mail.

Every step makes it as the membership is by now, not as it was when the change was asked: so changes of one person may
be done in any order, twice, or late. The access here was opened or closed together with the change.
"""

from collections.abc import Mapping
from dataclasses import asdict

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.keycloak import is_in_use
from apps.accounts.models import User
from apps.accounts.services import ensure_account, password_link
from apps.clusters.models import Cluster
from apps.core import ledger, mail
from apps.core.doorbell import ring
from apps.core.ledger import Action, StepFailed, StepWaits
from apps.core.models import Ledger
from apps.projects.members import A_ROLE, add_member
from apps.projects.models import Membership, MembershipChange, Project
from apps.provisioning import group_sync, people
from apps.provisioning.following import Following
from apps.provisioning.plan import MEMBER, steps_of_change
from apps.provisioning.services import Requester
from apps.workspaces.services import has_workspace_as_wished

SUBJECTS = {
    MembershipChange.Action.JOIN: "You are in the project {project}",
    MembershipChange.Action.ROLE: "You have another role in the project {project}",
    MembershipChange.Action.LEAVE: "You are no longer in the project {project}",
}


def join_person(
    project: Project, requester: Requester, *, role: Membership.Role, by: User | None, then: str = ""
) -> MembershipChange:
    """Somebody known by a proved e-mail address alone is in the project from now on, with an account if there was none.

    `then` is a task that is rung with the change when all is done. Raises AlreadyMember and TakesNobody.
    """
    with transaction.atomic():
        user = ensure_account(**asdict(requester))
        change = add_member(project, user, role=role, by=by)
        ledger.open_ledger(MEMBER, change.pk, steps_of_change(change), then=then)
    return change


def is_finished(change: MembershipChange) -> bool:
    """Whether everything that follows from the change is done."""
    return Ledger.objects.filter(kind=MEMBER, subject_pk=change.pk, finished_at__isnull=False).exists()


def advance(change: MembershipChange) -> bool:
    """Does the steps that can be done now. True when nothing is left to do, or no longer wished."""
    return FOLLOWING.advance(change, ACTIONS)


def retry(change: MembershipChange, *, by: User) -> bool:
    """Lets failed steps run again. True when there was one."""
    return FOLLOWING.retry(change, "member.retried", by=by, member=change.user_id)


def sweep() -> None:
    for change in FOLLOWING.undone():
        advance(change)


def change_by_pk(pk: int) -> MembershipChange:
    return _changes().get(pk=pk)


def make_account(change_pk: int) -> None:
    """Raises StepFailed for a person whose account an administrator has deactivated."""
    if not change_by_pk(change_pk).user.is_active:
        raise StepFailed(people.DEACTIVATED)


def make_identity(change_pk: int) -> None:
    people.connect_person(change_by_pk(change_pk).user)


def follow_groups(change_pk: int) -> None:
    change = change_by_pk(change_pk)
    people.with_keycloak(lambda directory: group_sync.settle(directory, change.project, change.user))


def invite(change_pk: int) -> None:
    people.invite_person(change_by_pk(change_pk).user)


def follow_workspace(change_pk: int) -> None:
    """Asks the cluster's sweep to make or take the workspace. Raises StepWaits until it has."""
    change = change_by_pk(change_pk)
    if has_workspace_as_wished(change.project, change.user):
        return
    cluster = change.project.placement.cluster
    ring("workspaces.reconcile", cluster.pk)
    if cluster.status == Cluster.Status.UNREACHABLE:
        raise StepWaits(f"The cluster {cluster.name} cannot be reached; it is tried again by itself.")
    raise StepWaits("The cluster is asked for it.")


def send_letter(change_pk: int) -> None:
    """One mail however often it runs, and none about what has changed again since: the next change has its own."""
    change = change_by_pk(change_pk)
    with transaction.atomic():
        if not MembershipChange.objects.filter(pk=change.pk, told_at=None).update(told_at=timezone.now()):
            return
        if not _is_latest(change):
            return
        needs_link = not is_in_use() and not change.user.has_usable_password()
        mail.post(
            to=change.user.email,
            subject=SUBJECTS[MembershipChange.Action(change.action)].format(project=change.project.name),
            template=f"provisioning/mail/member_{change.action}.txt",
            context={
                "change": change,
                "a_role": A_ROLE[Membership.Role(change.role)],
                "is_by_another": change.asked_by_id not in (None, change.user_id),
                "password_link": password_link(change.user) if needs_link else "",
                "at_keycloak": is_in_use(),
            },
        )


def _is_latest(change: MembershipChange) -> bool:
    later = MembershipChange.objects.filter(project=change.project_id, user=change.user_id, pk__gt=change.pk)
    return not later.exists()


def _changes() -> QuerySet[MembershipChange]:
    return MembershipChange.objects.select_related("project", "user", "asked_by")


FOLLOWING = Following(MEMBER, _changes, steps_of_change, "provisioning.advance_member")
ACTIONS: Mapping[str, Action] = {
    "account": make_account,
    "identity": make_identity,
    "groups": follow_groups,
    "workspace": follow_workspace,
    "invitation": invite,
    "letter": send_letter,
}
