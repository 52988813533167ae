from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.core.state import IllegalTransition
from apps.projects.models import Allocation, Membership, Project, Removal


@dataclass(frozen=True)
class Resources:
    cpus: int
    memory_gib: int
    gpus: int
    storage_gib: int


@dataclass(frozen=True)
class ProjectPlan:
    """What a new project is to be called and to have."""

    name: str
    namespace: str
    description: str
    principal_investigator: str
    starts_on: date
    ends_on: date
    requested: Resources
    granted: Resources


class LastOwner(Exception):
    """A project is never without an owner."""

    def __init__(self) -> None:
        super().__init__("This is the last owner of the project: make somebody else an owner first.")


def create_project(plan: ProjectPlan, *, by: User | None) -> Project:
    """A project that is still to be provisioned. Raises IntegrityError when the namespace is taken."""
    with transaction.atomic():
        project = Project.objects.create(
            name=plan.name,
            namespace=plan.namespace,
            description=plan.description,
            principal_investigator=plan.principal_investigator,
            starts_on=plan.starts_on,
            ends_on=plan.ends_on,
            status=Project.Status.PROVISIONING,
        )
        requested = {f"requested_{name}": value for name, value in asdict(plan.requested).items()}
        granted = {f"granted_{name}": value for name, value in asdict(plan.granted).items()}
        Allocation.objects.create(project=project, **requested, **granted)
        record("project.created", actor=by.pk if by else None, project=project.pk, subject=project, **granted)
    return project


def ensure_member(project: Project, user: User, *, role: Membership.Role) -> Membership:
    """Makes the person a member unless they are one already; owners may export. Ends a wish to remove them."""
    with transaction.atomic():
        Removal.objects.filter(project=project, user=user).delete()
        membership, is_new = Membership.objects.get_or_create(
            project=project, user=user, defaults={"role": role, "may_export": role == Membership.Role.OWNER}
        )
        if is_new:
            record("member.added", actor=None, project=project.pk, subject=membership, role=role, member=user.pk)
    return membership


def remove_member(project: Project, user: User, *, by: User) -> None:
    """Takes the person out of the project, and by a sweep out of its groups in Keycloak. Twice is once.

    Raises LastOwner.
    """
    with transaction.atomic():
        # Two owners who remove each other at once: the second waits here, and then is the last one.
        Project.objects.select_for_update().get(pk=project.pk)
        membership = Membership.objects.filter(project=project, user=user).first()
        if membership is None:
            return
        _refuse_last_owner(membership)
        record("member.removed", actor=by.pk, project=project.pk, subject=membership, member=user.pk)
        membership.delete()
        Removal.objects.update_or_create(
            project=project, user=user, defaults={"asked_at": timezone.now(), "done_at": None}
        )


def _refuse_last_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(project=membership.project, role=Membership.Role.OWNER)
    if membership.role == Membership.Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwner


def mark_ready(project: Project) -> None:
    """The project is set up. Twice is once."""
    with transaction.atomic():
        try:
            project.move_to(Project.Status.READY, why="provisioned")
        except IllegalTransition:
            return
        record("project.ready", actor=None, project=project.pk, subject=project)
