from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models.archives import Archive
from apps.core.state import Stateful, status_constraint


class Export(Stateful):
    """All images of an archive, on their way to a place outside the platform that an administrator has named."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Exporting"
        DONE = "done", "Exported"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    ACTIVE: ClassVar = frozenset({Status.QUEUED, Status.RUNNING})
    TRANSITIONS: ClassVar = {
        Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED}),
        Status.RUNNING: frozenset({Status.DONE, Status.FAILED, Status.CANCELLED}),
    }

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="exports")
    target = models.CharField(max_length=40, help_text="its name in the setting EXPORT_TARGETS")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="exports")
    asked_at = models.DateTimeField(default=timezone.now)
    done_count = models.PositiveIntegerField(default=0, help_text="objects that are in the target")
    total_count = models.PositiveIntegerField(default=0)
    sentence = models.TextField(blank=True, help_text="why it failed")

    class Meta:
        constraints = [
            status_constraint(["queued", "running", "done", "failed", "cancelled"], "archives_export_status"),
            models.UniqueConstraint(
                fields=["archive", "target"],
                condition=models.Q(status__in=["queued", "running"]),
                name="archives_export_one_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["archive", "-asked_at"])]

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE
