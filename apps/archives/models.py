"""Where a project's images are, and the index of them: patients, studies, series, instances.

The index has the attributes that people search and sort by as columns, cut to the width of the column, and everything
that QIDO-RS returns at that level as DICOM JSON (PS3.18 F.2) in `attributes`.
"""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone

from apps.accounts.models import User
from apps.core.sealed import SealedTextField
from apps.core.state import Stateful, status_constraint
from apps.projects.models import Project

UID_LENGTH = 64
TEXT_LENGTH = 255
NAME_LENGTH = 324
REMOTE_NAME_LENGTH = 224
AE_TITLE_LENGTH = 16
NAME_OF_ARCHIVE_LENGTH = 40


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


class Patient(models.Model):
    """One PatientID of one archive, by the name that was seen first; without a PatientID the name tells them apart."""

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="patients")
    patient_id = models.CharField(max_length=TEXT_LENGTH, blank=True)
    patient_name = models.CharField(max_length=NAME_LENGTH, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["archive", "patient_id"], condition=~models.Q(patient_id=""), name="archives_patient_by_id"
            ),
            models.UniqueConstraint(
                fields=["archive", "patient_name"], condition=models.Q(patient_id=""), name="archives_patient_by_name"
            ),
        ]
        indexes = [models.Index(fields=["archive", "patient_name", "patient_id"], name="archives_patient_names")]

    def __str__(self) -> str:
        return f"patient {self.pk}"


class Study(models.Model):
    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="studies")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="studies")
    study_instance_uid = models.CharField(max_length=UID_LENGTH)
    study_date = models.CharField(max_length=8, blank=True, help_text="DA: YYYYMMDD")
    study_time = models.CharField(max_length=16, blank=True, help_text="TM: HHMMSS.FFFFFF, as precise as known")
    study_id = models.CharField(max_length=TEXT_LENGTH, blank=True)
    accession_number = models.CharField(max_length=TEXT_LENGTH, blank=True)
    study_description = models.CharField(max_length=TEXT_LENGTH, blank=True)
    referring_physician_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    modalities = models.CharField(max_length=TEXT_LENGTH, blank=True, help_text="sorted, separated by backslashes")
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    attributes = models.JSONField(default=dict, help_text="of patient and study, by tag")
    seen_at = models.DateTimeField(null=True, help_text="by a pass over the archive's server")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "study_instance_uid"], name="archives_study_once")]
        indexes = [
            models.Index(fields=["archive", "study_date", "study_time"], name="archives_study_dates"),
            models.Index(fields=["archive", "updated_at"]),
            # All that a search for words reads.
            models.Index(
                fields=["archive", "study_description", "accession_number", "patient", "study_instance_uid"],
                name="archives_study_words",
            ),
            # All that the sums over an archive read: the rows themselves are large.
            models.Index(
                fields=["archive", "modalities", "series_count", "instance_count", "size_bytes"],
                name="archives_study_sums",
            ),
        ]

    def __str__(self) -> str:
        return f"study {self.pk}"


class Series(models.Model):
    """The metadata file is fresh when `metadata_file_version` equals `metadata_version`, which counts changes."""

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="series")
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series")
    series_instance_uid = models.CharField(max_length=UID_LENGTH)
    modality = models.CharField(max_length=16, blank=True)
    series_number = models.IntegerField(null=True)
    series_description = models.CharField(max_length=TEXT_LENGTH, blank=True)
    instance_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    attributes = models.JSONField(default=dict, help_text="of the series, by tag")
    metadata_version = models.PositiveIntegerField(default=0)
    metadata_file_version = models.PositiveIntegerField(default=0)
    metadata_written_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "series_instance_uid"], name="archives_series_once")]
        indexes = [
            models.Index(fields=["study", "series_number"]),
            models.Index(
                fields=["metadata_written_at"],
                condition=~models.Q(metadata_file_version=models.F("metadata_version")),
                name="archives_series_stale",
            ),
        ]

    def __str__(self) -> str:
        return f"series {self.pk}"

    @property
    def is_metadata_stale(self) -> bool:
        return self.metadata_file_version != self.metadata_version


class Instance(models.Model):
    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="instances")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances")
    sop_instance_uid = models.CharField(max_length=UID_LENGTH)
    sop_class_uid = models.CharField(max_length=UID_LENGTH)
    transfer_syntax_uid = models.CharField(max_length=UID_LENGTH)
    instance_number = models.IntegerField(null=True)
    number_of_frames = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    attributes = models.TextField(help_text="what QIDO-RS returns: one DICOM JSON object, relative addresses")
    metadata = models.BinaryField(help_text="DICOM JSON, gzip")
    frames = models.BinaryField(help_text="where frames and bulk values lie in the file: JSON, gzip")
    remote_name = models.CharField(
        max_length=REMOTE_NAME_LENGTH, blank=True, help_text="by which the server has it; empty in the built-in store"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "sop_instance_uid"], name="archives_instance_once")]
        indexes = [
            models.Index(fields=["series", "instance_number", "sop_instance_uid", "number_of_frames"]),
            models.Index(
                fields=["archive", "remote_name"], condition=~models.Q(remote_name=""), name="archives_instance_remote"
            ),
        ]

    def __str__(self) -> str:
        return f"instance {self.pk}"


class StudyRead(models.Model):
    """That a person saw or took away images of a study in one hour: the sum of many reads, audited once."""

    class Kind(models.TextChoices):
        VIEWED = "viewed", "Viewed"
        EXPORTED = "exported", "Exported"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="reads")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="study_reads")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    hour = models.DateTimeField(help_text="when it began")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "user", "kind", "hour"], name="archives_study_read_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["viewed", "exported"]), name="archives_study_read_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"study {self.study_id} {self.kind} by {self.user_id}"


# Narrower than PS3.5 6.2, since pages show it in command lines.
is_ae_title = RegexValidator(
    r"\A[A-Za-z0-9_.-]{1,16}\Z", "An AE title has up to 16 letters, digits, underscores, dots and hyphens."
)


class ApplicationEntity(models.Model):
    """A project as devices call it by DIMSE; titles are told apart without regard to case, as most devices do."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="application_entity")
    ae_title = models.CharField(max_length=AE_TITLE_LENGTH, validators=[is_ae_title])

    class Meta:
        constraints = [models.UniqueConstraint(Upper("ae_title"), name="archives_ae_title_once")]

    def __str__(self) -> str:
        return self.ae_title


class DicomDevice(models.Model):
    """A device that may send to the project by DIMSE, which knows no password: its address and calling AE title."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="dicom_devices")
    ae_title = models.CharField(max_length=AE_TITLE_LENGTH, validators=[is_ae_title])
    address = models.GenericIPAddressField(protocol="IPv4")
    may_retrieve = models.BooleanField(default=False, help_text="whether it may also search and fetch images")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["project", "ae_title"], name="archives_dicom_device_title")]

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.address}"


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
