"""How what follows from a change is done, be it one of the members or one in a project's life: each has its ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.core import ledger
from apps.core.doorbell import ring
from apps.core.ledger import Action
from apps.core.models import Ledger
from apps.projects.models import MembershipChange, ProjectChange
from apps.provisioning.plan import Steps

Change = TypeVar("Change", MembershipChange, ProjectChange)


@dataclass(frozen=True)
class Following(Generic[Change]):
    """`kind` is of the ledgers, `changes` finds the rows, `bell` is the task that advances one."""

    kind: str
    changes: Callable[[], QuerySet[Change]]
    steps_of: Callable[[Change], Steps]
    bell: str

    def advance(self, change: Change, actions: Mapping[str, Action]) -> bool:
        """Does the steps that can be done now. True when nothing is left to do, or no longer wished."""
        still_open = self.changes().filter(pk=change.pk, done_at=None)
        if not still_open.exists():
            return True
        opened = ledger.open_ledger(self.kind, change.pk, self.steps_of(change))
        is_done = ledger.advance(opened, actions)
        if is_done:
            still_open.update(done_at=timezone.now())
        return is_done

    def retry(self, change: Change, audited: str, *, by: User, **detail: object) -> bool:
        """Lets failed steps run again. True when there was one."""
        with transaction.atomic():
            opened = Ledger.objects.filter(kind=self.kind, subject_pk=change.pk).first()
            found = opened is not None and ledger.retry(opened, by=by.pk)
            if found:
                record(audited, actor=by.pk, project=change.project_id, subject=change, **detail)
                ring(self.bell, change.pk)
        return found

    def waiting(self) -> list[int]:
        """The open changes with a step that waited and is to be looked at again now."""
        due = [waits.subject_pk for waits in ledger.due(self.kind)]
        return list(self.undone().filter(pk__in=due).values_list("pk", flat=True))

    def undone(self) -> QuerySet[Change]:
        """Every change that is not done: its bell was lost, a step waits or failed, or a worker died."""
        return self.changes().filter(done_at=None).order_by("pk")
