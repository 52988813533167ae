"""Where a project's images are."""

from django.db import models
from django.utils import timezone

from apps.core.sealed import SealedTextField
from apps.projects.models import Project

NAME_OF_ARCHIVE_LENGTH = 40
REMOTE_NAME_LENGTH = 224


class Archive(models.Model):
    class Kind(models.TextChoices):
        BUILT_IN = "built-in", "Built-in store"
        ORTHANC = "orthanc", "Orthanc"
        DICOMWEB = "dicomweb", "DICOMweb server"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="archives")
    name = models.SlugField(max_length=NAME_OF_ARCHIVE_LENGTH)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.BUILT_IN)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, help_text="taken out of the portal; the row stays for what names it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="archives_archive_name"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(is_default=True), name="archives_archive_one_default"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["built-in", "orthanc", "dicomweb"]), name="archives_archive_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project.namespace}/{self.name}"

    @property
    def is_remote(self) -> bool:
        """Whether a server holds the objects, and not the portal."""
        return self.kind != self.Kind.BUILT_IN


class RemoteServer(models.Model):
    """Where the objects of a remote archive are, what that server can do, and how far the index follows it.

    A row of its own, since reading it opens secrets, which pages have no use for.
    """

    archive = models.OneToOneField(Archive, on_delete=models.CASCADE, related_name="server")
    address = models.URLField(max_length=500, help_text="HTTP root, or that of the DICOMweb service")
    username = models.CharField(
        max_length=100, blank=True, help_text="empty: the password is a token, or there is none"
    )
    password = SealedTextField(blank=True)
    gateway = SealedTextField(blank=True, help_text="what passes requests on to it, in JSON; empty: nothing does")
    is_entered = models.BooleanField(default=False, help_text="by a person: where it leads is checked each time")
    capabilities = models.JSONField(
        default=dict, help_text="what it was found to do, by name; what is unknown is not in"
    )
    probed_at = models.DateTimeField(null=True)
    change_seq = models.BigIntegerField(null=True, help_text="of the change log, up to which the index follows it")
    change_mark = models.CharField(max_length=100, blank=True, help_text="what was there; empty when nothing was")
    pass_started_at = models.DateTimeField(null=True, help_text="the pass over a server without change log")
    pass_offset = models.PositiveIntegerField(default=0, help_text="studies that the pass has behind it")
    last_seen_at = models.DateTimeField(null=True)
    unreachable_since = models.DateTimeField(null=True)
    complaint = models.CharField(max_length=255, blank=True, help_text="why it is unreachable, for administrators")
    refresh_due_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"server of archive {self.archive_id}"


class SkippedObject(models.Model):
    """An object of a remote archive that the index cannot take, and why."""

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="skipped_objects")
    remote_name = models.CharField(max_length=REMOTE_NAME_LENGTH)
    sentence = models.TextField()
    skipped_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "remote_name"], name="archives_skipped_once")]

    def __str__(self) -> str:
        return f"skipped object {self.pk}"
