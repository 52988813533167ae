"""What changes in a project's life, and what its owners ask for it."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.badges import Badge
from apps.core.state import Stateful, status_constraint
from apps.projects.models.project import Project


class ProjectChange(models.Model):
    """A turn in a project's life. What follows from it elsewhere is done by the rooms above, which read this row."""

    class Action(models.TextChoices):
        SUSPEND = "suspend", "Suspended"
        RESUME = "resume", "Resumed"
        ARCHIVE = "archive", "Archived"
        RESTORE = "restore", "Restored"
        SCHEDULE_DELETION = "schedule_deletion", "Deletion scheduled"
        UNDO_DELETION = "undo_deletion", "Deletion undone"
        DELETE = "delete", "Deletion begun"
        GRANT = "grant", "Resources changed"
        EXTEND = "extend", "Last day changed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="changes")
    action = models.CharField(max_length=20, choices=Action.choices)
    target = models.CharField(max_length=32, blank=True, help_text="state that the project moved to, if it moved")
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", help_text="none: the clock")
    why = models.TextField(blank=True)
    detail = models.JSONField(default=dict, help_text="name → [before, after]")
    at = models.DateTimeField(default=timezone.now)
    runs_ended_at = models.DateTimeField(null=True, help_text="since when none of the project's runs goes on")
    done_at = models.DateTimeField(null=True, help_text="when all that follows was done, or is no longer wished")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["project"], condition=models.Q(done_at=None), name="projects_change_open")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    action__in=[
                        "suspend",
                        "resume",
                        "archive",
                        "restore",
                        "schedule_deletion",
                        "undo_deletion",
                        "delete",
                        "grant",
                        "extend",
                    ]
                ),
                name="projects_project_change_action",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.project}"


class ExtensionRequest(Stateful):
    """An owner asks for a later last day."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits for a decision"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"

    TRANSITIONS: ClassVar = {Status.WAITING: frozenset({Status.GRANTED, Status.REFUSED, Status.WITHDRAWN})}
    BADGES: ClassVar = {
        Status.WAITING: Badge("wait", "hourglass", "Waits for a decision"),
        Status.GRANTED: Badge("good", "circle-check", "Granted"),
        Status.REFUSED: Badge("off", "circle-x", "Refused"),
        Status.WITHDRAWN: Badge("off", "ban", "Withdrawn"),
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="extension_requests")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="extension_requests")
    ends_on = models.DateField()
    why = models.TextField()
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    said = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            status_constraint(["waiting", "granted", "refused", "withdrawn"], "projects_extension_status"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(status="waiting"), name="projects_extension_one_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"extension {self.pk}"

    @property
    def badge(self) -> Badge:
        return self.BADGES[self.Status(self.status)]
