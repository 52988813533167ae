"""Declared states: `TRANSITIONS` beside `Status`, and `move_to` as the only way from one to the next."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models, transaction
from django.utils import timezone


class IllegalTransition(Exception):
    """The move is not in the table, or somebody else moved first."""

    def __init__(self, row: "Stateful", target: str) -> None:
        super().__init__(f"{row._meta.label} {row.pk} cannot go from {row.status} to {target}")
        self.row = row
        self.target = target


class Stateful(models.Model):
    """A row with a declared life. Subclasses give `Status` and `TRANSITIONS`."""

    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]]

    status = models.CharField(max_length=32)
    status_changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def move_to(self, target: str, *, by: int | None = None, why: str = "", **fields: Any) -> None:
        """Moves by compare-and-set, together with `fields`, and writes an event row.

        `by` is the primary key of the person. Raises IllegalTransition when the table forbids the move or when the
        row in the database has moved since this object was read; nothing is written then.
        """
        if target not in self.TRANSITIONS.get(self.status, frozenset()):
            raise IllegalTransition(self, target)
        now = timezone.now()
        with transaction.atomic():
            # The time of the last change is the version: without it a row that went away and came back would match.
            same = type(self)._base_manager.filter(
                pk=self.pk, status=self.status, status_changed_at=self.status_changed_at
            )
            if not same.update(status=target, status_changed_at=now, **fields):
                raise IllegalTransition(self, target)
            StateEvent.objects.create(
                subject_type=self._meta.label_lower,
                subject_pk=self.pk,
                from_status=self.status,
                to_status=target,
                by_pk=by,
                why=why,
                at=now,
            )
        self.status, self.status_changed_at = target, now
        for name, value in fields.items():
            setattr(self, name, value)

    def events(self) -> "models.QuerySet[StateEvent]":
        """This row's moves, oldest first."""
        return StateEvent.objects.filter(subject_type=self._meta.label_lower, subject_pk=self.pk).order_by("pk")


class StateEvent(models.Model):
    """One move of one row: from, to, when, who, why."""

    subject_type = models.CharField(max_length=64)
    subject_pk = models.BigIntegerField()
    from_status = models.CharField(max_length=32)
    to_status = models.CharField(max_length=32)
    by_pk = models.BigIntegerField(null=True)
    why = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        app_label = "core"
        indexes = [models.Index(fields=["subject_type", "subject_pk"])]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_pk}: {self.from_status} → {self.to_status}"


def status_constraint(statuses: list[str], name: str) -> models.CheckConstraint:
    """The database's own guard that a status is one of those declared."""
    return models.CheckConstraint(condition=models.Q(status__in=statuses), name=name)
