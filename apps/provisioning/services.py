from dataclasses import asdict, dataclass

from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.core import ledger
from apps.core.doorbell import ring
from apps.core.models import Ledger
from apps.projects.models import Project
from apps.provisioning.models import Provision
from apps.provisioning.plan import KIND, steps_of_new_project
from apps.provisioning.steps import ACTIONS


@dataclass(frozen=True)
class Requester:
    """The person who is to own the project. The e-mail address must be proved."""

    email: str
    name: str
    affiliation: str
    position: str = ""


def open_for(project: Project, requester: Requester, *, then: str = "") -> Ledger:
    """Writes down that the project is to be set up; `then` is a task that is rung with it when all is done.

    Twice is once.
    """
    with transaction.atomic():
        Provision.objects.get_or_create(
            project=project,
            defaults=asdict(requester),
        )
        opened = ledger.open_ledger(KIND, project.pk, steps_of_new_project(), then=then)
        ring("provisioning.advance", project.pk)
    return opened


def advance(project: Project) -> bool:
    """Does the steps that can be done now. True when the project is set up; none of one that is to be deleted."""
    if project.status in Project.HIDDEN:
        return False
    return ledger.advance(Ledger.objects.get(kind=KIND, subject_pk=project.pk), ACTIONS)


def retry(project: Project, *, by: User | None) -> bool:
    """Lets failed steps run again; `by` is None for the requester without an account. True when there was one."""
    actor = by.pk if by else None
    with transaction.atomic():
        found = ledger.retry(Ledger.objects.get(kind=KIND, subject_pk=project.pk), by=actor)
        if found:
            record("provisioning.retried", actor=actor, project=project.pk, subject=project)
            ring("provisioning.advance", project.pk)
    return found


def waiting() -> list[int]:
    """The projects with a step that waited and is to be looked at again now."""
    return [waits.subject_pk for waits in ledger.due(KIND)]


def sweep() -> None:
    """Takes up what waits, what failed for a while, and what a worker that died left behind."""
    pks = [unfinished.subject_pk for unfinished in ledger.unfinished(KIND)]
    for project in Project.objects.filter(pk__in=pks).order_by("pk"):
        advance(project)
