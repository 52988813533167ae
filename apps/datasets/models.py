import uuid

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.projects.models import Project


class Upload(models.Model):
    """Files that one person sends from one page, also over several visits to it, and what became of them.

    Counted while files are stored, so that the row is true also for an upload that was killed half-way.
    """

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="uploads")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="uploads")
    key = models.UUIDField(default=uuid.uuid4, help_text="joins the requests of one page")
    started_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, help_text="when the person said that the rest is not to come")
    stored_count = models.PositiveIntegerField(default=0)
    present_count = models.PositiveIntegerField(default=0, help_text="identical files that were there already")
    refused_count = models.PositiveIntegerField(default=0)
    study_instance_uids = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "by", "key"], name="datasets_upload_once")]
        indexes = [models.Index(fields=["archive", "-started_at"])]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class UploadedFile(models.Model):
    """A file that a page has announced, or one that came, by itself or in a zip archive, and what became of it."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Not sent"
        ARRIVED = "arrived", "Being checked"
        STORED = "stored", "Stored"
        PRESENT = "present", "Already there"
        UNPACKED = "unpacked", "Unpacked"
        REFUSED = "refused", "Not taken"

    UNSETTLED = (Outcome.WAITING, Outcome.ARRIVED)

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="files")
    fingerprint = models.CharField(max_length=64, help_text="tells it from the other files of its upload")
    name = models.TextField(help_text="with its folders, for showing alone")
    size_bytes = models.PositiveBigIntegerField()
    received_bytes = models.PositiveBigIntegerField(default=0, help_text="of a file that comes in parts")
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.WAITING)
    sentence = models.TextField(blank=True, help_text="why it was not taken")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upload", "fingerprint"], name="datasets_uploaded_file_once"),
            models.CheckConstraint(
                condition=models.Q(
                    outcome__in=["waiting", "arrived", "stored", "present", "unpacked", "refused"],
                ),
                name="datasets_uploaded_file_outcome",
            ),
        ]
        indexes = [models.Index(fields=["upload", "outcome"])]

    def __str__(self) -> str:
        return f"uploaded file {self.pk}"


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
