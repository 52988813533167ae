import uuid

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.projects.models import Project


class Upload(models.Model):
    """Files that one person sent from one page, and what became of them.

    Counted while files are stored, so that the row is true also for an upload that was killed half-way.
    """

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="uploads")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="uploads")
    key = models.UUIDField(default=uuid.uuid4, help_text="joins the requests of one page")
    started_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    stored_count = models.PositiveIntegerField(default=0)
    present_count = models.PositiveIntegerField(default=0, help_text="identical files that were there already")
    refused_count = models.PositiveIntegerField(default=0)
    refusals = models.JSONField(default=list, help_text="the first refusals: name, sentence")
    study_instance_uids = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "by", "key"], name="datasets_upload_once")]
        indexes = [models.Index(fields=["archive", "-started_at"])]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class ConnectionTest(models.Model):
    """What the addresses of a project's archive answered when a person asked; without `answered_at` it waits."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="connection_tests")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)
    answers = models.JSONField(default=list, help_text="each: name, is_good, sentence, milliseconds")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(answered_at=None), name="datasets_connection_test_one_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"connection test {self.pk}"
