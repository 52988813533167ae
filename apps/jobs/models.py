"""Packaged algorithms and their runs: one series in, DICOM out."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.archives.models import TEXT_LENGTH, UID_LENGTH, Archive
from apps.clusters.models import Cluster
from apps.core.state import Stateful, status_constraint
from apps.core.units import GIB
from apps.projects.models import Project

WAITING_LENGTH = 300


class Algorithm(models.Model):
    """One version of one packaged algorithm.

    A row is never changed but for its image, which a run freezes: other files make another row, so that a run's
    algorithm stays what it was at launch.
    """

    name = models.SlugField(max_length=64)
    title = models.CharField(max_length=120)
    version = models.CharField(max_length=32)
    description = models.TextField()
    modalities = models.JSONField(default=list)
    produced_sop_classes = models.JSONField(default=list)
    arguments = models.JSONField(default=list, help_text="as arguments.declared reads them")
    memory_gib = models.PositiveIntegerField()
    timeout_seconds = models.PositiveIntegerField()
    gpus = models.PositiveIntegerField(default=0)
    gpu_product = models.CharField(max_length=63, blank=True, help_text="as the label nvidia.com/gpu.product has it")
    image = models.CharField(max_length=400, blank=True, help_text="for clusters, by digest: registry/name@sha256:…")
    image_gpus = models.PositiveIntegerField(null=True, help_text="that a run in a cluster gets; none: `gpus`")
    entry = models.JSONField(help_text="the command, without the arguments of the contract")
    digest = models.CharField(max_length=71, help_text="sha256: over the package's files")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "digest"], name="jobs_algorithm_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(is_current=True), name="jobs_algorithm_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"

    @property
    def memory_bytes(self) -> int:
        return self.memory_gib * GIB

    def gpus_in(self, cluster: Cluster | None) -> int:
        """Those that a run gets there; None is this machine."""
        return self.gpus if cluster is None or self.image_gpus is None else self.image_gpus


class Run(Stateful):
    """One algorithm on one series. What it depends on is frozen when it is launched."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        STAGING = "staging", "Fetching images"
        STARTING = "starting", "Starting"
        RUNNING = "running", "Running"
        COLLECTING = "collecting", "Storing outputs"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLING = "cancelling", "Being cancelled"
        CANCELLED = "cancelled", "Cancelled"

    # Back to staging: the next attempt of a run that nobody can say the end of. Collecting cannot be cancelled: outputs
    # are stored all or not at all.
    TRANSITIONS: ClassVar = {
        Status.QUEUED: frozenset({Status.STAGING, Status.CANCELLING}),
        Status.STAGING: frozenset({Status.STARTING, Status.STAGING, Status.FAILED, Status.CANCELLING}),
        Status.STARTING: frozenset({Status.RUNNING, Status.STAGING, Status.FAILED, Status.CANCELLING}),
        Status.RUNNING: frozenset({Status.COLLECTING, Status.STAGING, Status.FAILED, Status.CANCELLING}),
        Status.COLLECTING: frozenset({Status.SUCCEEDED, Status.STAGING, Status.FAILED}),
        Status.CANCELLING: frozenset({Status.CANCELLED}),
    }
    FINAL: ClassVar = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
    UNFINISHED: ClassVar = frozenset(Status) - FINAL

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="runs")
    algorithm = models.ForeignKey(Algorithm, on_delete=models.PROTECT, related_name="runs")
    submitter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs")
    submission_key = models.UUIDField(null=True, help_text="of the form, so that pressing twice launches once")
    arguments = models.JSONField(default=dict)
    study_instance_uid = models.CharField(max_length=UID_LENGTH)
    series_instance_uid = models.CharField(max_length=UID_LENGTH)
    series_description = models.CharField(max_length=TEXT_LENGTH, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    input_count = models.PositiveIntegerField()
    input_bytes = models.PositiveBigIntegerField()

    cluster = models.ForeignKey(
        Cluster, null=True, on_delete=models.PROTECT, related_name="runs", help_text="none: this machine"
    )
    image = models.CharField(max_length=400, blank=True, help_text="in a cluster, by digest")
    gpus = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    node = models.CharField(max_length=255, blank=True)
    network = models.CharField(max_length=16, blank=True)
    file_system = models.CharField(max_length=16, blank=True)
    started_at = models.DateTimeField(null=True, help_text="the algorithm itself")
    ended_at = models.DateTimeField(null=True, help_text="the algorithm itself")
    peak_memory_bytes = models.PositiveBigIntegerField(null=True)
    progress = models.FloatField(null=True, help_text="0 to 1, as the algorithm says")
    progress_text = models.CharField(max_length=120, blank=True)
    waiting = models.CharField(max_length=WAITING_LENGTH, blank=True, help_text="why it does not go on, in plain words")
    log_offset = models.PositiveBigIntegerField(default=0, help_text="up to where progress was read")
    gate_report = models.JSONField(null=True, help_text="what the output gate found, before anything is stored")
    abandoned = models.JSONField(default=list, help_text="SOPInstanceUIDs that broken attempts may have stored")
    reason_code = models.CharField(max_length=32, blank=True)
    reason = models.TextField(blank=True)

    claim_token = models.CharField(max_length=32, blank=True)
    claimed_until = models.DateTimeField(null=True)
    step_failures = models.PositiveSmallIntegerField(default=0)
    cleaned_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            status_constraint(
                [
                    "queued",
                    "staging",
                    "starting",
                    "running",
                    "collecting",
                    "succeeded",
                    "failed",
                    "cancelling",
                    "cancelled",
                ],
                "jobs_run_status",
            ),
            models.UniqueConstraint(fields=["submitter", "submission_key"], name="jobs_run_submitted_once"),
        ]
        indexes = [
            models.Index(fields=["project", "status"]),
            models.Index(fields=["project", "series_instance_uid"]),
            models.Index(fields=["status"], condition=models.Q(cleaned_at=None), name="jobs_run_not_cleaned"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def name(self) -> str:
        """The attempt's name, by which its executor finds it again after any restart."""
        return self.attempt_name(self.attempt)

    def attempt_name(self, attempt: int) -> str:
        return f"run-{self.pk}-{attempt}"

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL

    @property
    def can_be_cancelled(self) -> bool:
        return self.Status.CANCELLING in self.TRANSITIONS.get(self.status, ())

    @property
    def finished_at(self) -> datetime | None:
        return self.status_changed_at if self.is_final else None


class RunInput(models.Model):
    """One object that the run read, as it was at launch."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="inputs")
    sop_instance_uid = models.CharField(max_length=UID_LENGTH)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "sop_instance_uid"], name="jobs_input_once")]

    def __str__(self) -> str:
        return f"input {self.pk}"


class RunOutput(models.Model):
    """One object that the run made and the archive holds."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outputs")
    study_instance_uid = models.CharField(max_length=UID_LENGTH)
    series_instance_uid = models.CharField(max_length=UID_LENGTH)
    sop_instance_uid = models.CharField(max_length=UID_LENGTH)
    sop_class_uid = models.CharField(max_length=UID_LENGTH)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "sop_instance_uid"], name="jobs_output_once")]
        indexes = [models.Index(fields=["series_instance_uid"])]

    def __str__(self) -> str:
        return f"output {self.pk}"


class ClusterLook(models.Model):
    """When a cluster is asked about its runs again, and how often in a row it has kept silent."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="runs_look")
    due_at = models.DateTimeField(default=timezone.now)
    silences = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"look at {self.cluster}"
