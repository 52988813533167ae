from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.core.state import StateEvent, Stateful, status_constraint

__all__ = ["Lease", "Ledger", "Mail", "StateEvent", "Step"]


class Lease(models.Model):
    name = models.CharField(max_length=100, unique=True)
    held_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Ledger(models.Model):
    """Long work on one subject as named steps that resume where they stopped."""

    kind = models.CharField(max_length=64)
    subject_pk = models.BigIntegerField()
    then = models.CharField(max_length=100, blank=True, help_text="task that is rung with the subject when all is done")
    opened_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject_pk"], name="core_ledger_one_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_pk}"


class Step(Stateful):
    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    TRANSITIONS: ClassVar = {
        Status.WAITING: frozenset({Status.RUNNING}),
        Status.RUNNING: frozenset({Status.DONE, Status.FAILED, Status.WAITING}),
        Status.FAILED: frozenset({Status.WAITING}),
    }

    ledger = models.ForeignKey(Ledger, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True, help_text="set while it waits for something outside")
    look_again_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["ledger", "position"]
        constraints = [
            models.UniqueConstraint(fields=["ledger", "name"], name="core_step_named_once"),
            status_constraint(["waiting", "running", "done", "failed"], "core_step_status"),
        ]

    def __str__(self) -> str:
        return f"{self.ledger} {self.name}"

    @property
    def kind(self) -> str:
        """How the timeline draws it."""
        if self.waiting_since:
            return "now"
        return {self.Status.WAITING: "next", self.Status.RUNNING: "now"}.get(self.Status(self.status), self.status)


class Mail(Stateful):
    """A mail that waits or went. The text is dropped once it went: it may hold a private link."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    TRANSITIONS: ClassVar = {
        Status.QUEUED: frozenset({Status.SENDING}),
        Status.SENDING: frozenset({Status.SENT, Status.QUEUED, Status.FAILED}),
        Status.FAILED: frozenset({Status.QUEUED}),
    }

    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)
    not_before = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["status", "not_before"])]
        constraints = [status_constraint(["queued", "sending", "sent", "failed"], "core_mail_status")]

    def __str__(self) -> str:
        return f"mail {self.pk}"
