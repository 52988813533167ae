from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import changed, record
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
    gpu_type: str = ""
    requested_at: datetime = field(default_factory=timezone.now)


def create_project(plan: ProjectPlan, *, by: User | None) -> Project:
    """A project that is still to be provisioned.

    Raises IntegrityError when the namespace, or one that reads alike, is taken.
    """
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
        asked = {**requested, "gpu_type": plan.gpu_type, "requested_at": plan.requested_at}
        Allocation.objects.create(project=project, **asked, **granted)
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


def describe(project: Project, description: str, *, by: User) -> None:
    with transaction.atomic():
        told = changed(project.description, description)
        Project.objects.filter(pk=project.pk).update(description=description)
        record("project.described", actor=by.pk, project=project.pk, subject=project, description=told)


def mark_ready(project: Project) -> None:
    """The project is set up. Twice is once."""
    with transaction.atomic():
        try:
            project.move_to(Project.Status.READY, why="provisioned")
        except IllegalTransition:
            return
        record("project.ready", actor=None, project=project.pk, subject=project)
