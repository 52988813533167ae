"""What people are putting into an archive or deleting from it, until that is done."""

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models.archives import Archive
from apps.archives.models.index import UID_LENGTH


class Deposit(models.Model):
    """Content that a person is putting into a remote archive, until it is in the index."""

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="deposits")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    announced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["archive", "sha256"])]

    def __str__(self) -> str:
        return f"deposit {self.pk}"


class Deletion(models.Model):
    """A study, series or object of a built-in archive that somebody has deleted, until its last byte is gone."""

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="deletions")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    study_instance_uid = models.CharField(max_length=UID_LENGTH)
    series_instance_uid = models.CharField(max_length=UID_LENGTH, blank=True, help_text="empty: the whole study")
    sop_instance_uid = models.CharField(max_length=UID_LENGTH, blank=True, help_text="empty: the whole series")
    sha256 = models.CharField(max_length=64, blank=True, help_text="of the object, when it is one")
    last_instance_pk = models.BigIntegerField(help_text="what was stored later stays")
    asked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"deletion {self.pk}"
