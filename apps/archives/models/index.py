"""The index of a project's images: patients, studies, series, instances.

It has the attributes that people search and sort by as columns, cut to the width of the column, and everything that
QIDO-RS returns at that level as DICOM JSON (PS3.18 F.2) in `attributes`.
"""

from django.db import models
from django.utils import timezone

from apps.archives.models.archives import REMOTE_NAME_LENGTH, Archive

UID_LENGTH = 64
TEXT_LENGTH = 255
NAME_LENGTH = 324


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
