"""A run is worked on by one worker at a time: the claim, which a worker that dies leaves to run out.

The claim saves double work; what keeps the record right is that every write of a worker is made only while its claim
still holds, in the same transaction.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.core.renewal import renewed
from apps.jobs.models import Run


class ClaimLost(Exception):
    """The claim ran out and another worker has taken the run over."""


class Claim:
    """The right to work on one run. Made by `hold` only."""

    def __init__(self, run_pk: int) -> None:
        self.token = uuid.uuid4().hex
        self._run_pk = run_pk

    def move(self, run: Run, target: Run.Status, *, why: str = "", **fields: Any) -> None:
        """`Run.move_to` while the claim holds. Raises ClaimLost, or IllegalTransition when a person moved it."""
        with self._held():
            run.move_to(target, why=why, step_failures=0, waiting="", **fields)

    def write(self, run: Run, **fields: Any) -> None:
        """Set fields while the claim holds. Raises ClaimLost."""
        with self._held():
            Run.objects.filter(pk=run.pk).update(**fields)
        for name, value in fields.items():
            setattr(run, name, value)

    def put_off(self) -> None:
        """Nobody shall try again before the claim would have run out."""
        self._mine().update(claim_token="", claimed_until=_from_now())

    def take(self) -> bool:
        """Whether the claim was had."""
        is_free = Q(claimed_until=None) | Q(claimed_until__lte=timezone.now())
        free = Run.objects.filter(is_free, pk=self._run_pk)
        return bool(free.update(claim_token=self.token, claimed_until=_from_now()))

    def release(self) -> None:
        """Let others work on the run at once; nothing happens if the claim was lost or put off."""
        self._mine().update(claim_token="", claimed_until=None)

    def renew(self) -> bool:
        """Prolongs the claim. Whoever has lost it finds out when writing."""
        return bool(self._mine().update(claimed_until=_from_now()))

    @contextmanager
    def _held(self) -> Iterator[None]:
        with transaction.atomic():
            if not self._mine().select_for_update().exists():
                raise ClaimLost
            yield

    def _mine(self) -> QuerySet[Run]:
        return Run.objects.filter(pk=self._run_pk, claim_token=self.token)


@contextmanager
def hold(run: Run) -> Iterator[Claim | None]:
    """The claim on a run, or None when another worker has it. It ends with the block."""
    claim = Claim(run.pk)
    if not claim.take():
        yield None
        return
    try:
        with renewed(claim.renew, every_seconds=settings.CLAIM_SECONDS / 3):
            yield claim
    finally:
        claim.release()


def _from_now() -> datetime:
    return timezone.now() + timedelta(seconds=settings.CLAIM_SECONDS)
