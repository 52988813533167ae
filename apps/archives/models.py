"""Where a project's images are, and the index of them: patients, studies, series, instances.

The index has the attributes that people search and sort by as columns, and everything that QIDO-RS returns at that level
as DICOM JSON (PS3.18 F.2) in `attributes`.
"""

from django.db import models
from django.utils import timezone

from apps.projects.models import Project

UID_LENGTH = 64


class Archive(models.Model):
    class Kind(models.TextChoices):
        BUILT_IN = "built-in", "Built-in store"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="archives")
    name = models.SlugField(max_length=40)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.BUILT_IN)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="archives_archive_name"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(is_default=True), name="archives_archive_one_default"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project.namespace}/{self.name}"


class Patient(models.Model):
    """One PatientID of one archive; a name that is spelled in several ways is the one seen first."""

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="patients")
    patient_id = models.CharField(max_length=64, blank=True)
    patient_name = models.CharField(max_length=324, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["archive", "patient_id", "patient_name"], name="archives_patient_once")
        ]

    def __str__(self) -> str:
        return f"patient {self.pk}"


class Study(models.Model):
    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="studies")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="studies")
    study_instance_uid = models.CharField(max_length=UID_LENGTH)
    study_date = models.CharField(max_length=8, blank=True, help_text="DA: YYYYMMDD")
    study_time = models.CharField(max_length=16, blank=True)
    study_id = models.CharField(max_length=16, blank=True)
    accession_number = models.CharField(max_length=16, blank=True)
    study_description = models.CharField(max_length=64, blank=True)
    referring_physician_name = models.CharField(max_length=324, blank=True)
    modalities = models.CharField(max_length=200, blank=True, help_text="sorted, separated by backslashes")
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    attributes = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "study_instance_uid"], name="archives_study_once")]
        indexes = [
            models.Index(fields=["archive", "study_date"]),
            models.Index(fields=["archive", "updated_at"]),
        ]

    def __str__(self) -> str:
        return f"study {self.pk}"


class Series(models.Model):
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series")
    series_instance_uid = models.CharField(max_length=UID_LENGTH)
    modality = models.CharField(max_length=16, blank=True)
    series_number = models.IntegerField(null=True)
    series_description = models.CharField(max_length=64, blank=True)
    instance_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    attributes = models.JSONField(default=dict)
    is_metadata_stale = models.BooleanField(default=True, help_text="the metadata file is older than the rows")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "series_instance_uid"], name="archives_series_once")]
        indexes = [
            models.Index(fields=["series_instance_uid"]),
            models.Index(
                fields=["is_metadata_stale"], condition=models.Q(is_metadata_stale=True), name="archives_series_stale"
            ),
        ]

    def __str__(self) -> str:
        return f"series {self.pk}"


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
    metadata = models.BinaryField(help_text="DICOM JSON, gzip")
    frames = models.BinaryField(help_text="where frames and bulk values lie in the file: JSON, gzip")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "sop_instance_uid"], name="archives_instance_once")]
        indexes = [models.Index(fields=["series", "instance_number", "sop_instance_uid"])]

    def __str__(self) -> str:
        return f"instance {self.pk}"
