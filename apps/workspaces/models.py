"""What a project has on its cluster: what is wished, what was made, and what was last seen of it."""

import uuid

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.core.sealed import SealedTextField
from apps.projects.models import Project


class State(models.TextChoices):
    """As last seen on the cluster; no state of ours."""

    PENDING = "pending", "Starting"
    RUNNING = "running", "Running"
    FAILED = "failed", "Fails"


class Seen(models.Model):
    """What was seen of something that runs, and the sentence that says why it does not."""

    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    sentence = models.TextField(blank=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Workspace(Seen):
    """One member's workspace. It is removed with the membership; its home is kept for a while."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="workspaces")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="workspaces")
    address = models.GenericIPAddressField(null=True, help_text="ClusterIP of its web ports")
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True)
    home_removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="workspaces_workspace_one_for_each"),
            models.CheckConstraint(
                condition=models.Q(state__in=["pending", "running", "failed"]), name="workspaces_workspace_state"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Of its objects on the cluster."""
        return f"workspace-{self.pk}"

    @property
    def base_path(self) -> str:
        """Where the front shows it."""
        return f"/{self.project.namespace}/{self.pk}/"


class NodePort(models.Model):
    """A port of a cluster's nodes that is given out, or found to be taken by somebody else (neither of the two)."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="node_ports")
    number = models.PositiveIntegerField()
    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, null=True, related_name="node_port")
    dicom_of = models.OneToOneField(Project, on_delete=models.CASCADE, null=True, related_name="dicom_port")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "number"], name="workspaces_node_port_once")]

    def __str__(self) -> str:
        return f"{self.cluster}:{self.number}"


class OrthancAccess(models.Model):
    """The passwords of a project's Orthanc, made once: the portal's own, and that of people who look into it."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="orthanc_access")
    username = models.CharField(max_length=40)
    password = SealedTextField()
    explorer_password = SealedTextField()
    volume_gib = models.PositiveIntegerField(
        null=True, help_text="size of the archive's volume, which may grow and never shrinks; none: as granted"
    )

    def __str__(self) -> str:
        return f"access to the Orthanc of {self.project}"


class Applied(models.Model):
    """An object that was made on the cluster as `digest` says. What is missing or other than that has drifted."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="applied_objects")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=253)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind", "name"], name="workspaces_applied_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Drift(models.Model):
    """What somebody had deleted or changed by hand, and the portal has repaired."""

    class What(models.TextChoices):
        DELETED = "deleted", "Deleted"
        CHANGED = "changed", "Changed"
        ADDED = "added", "Added"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="drifts")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=253)
    what = models.CharField(max_length=8, choices=What.choices)
    fields = models.TextField(blank=True, help_text="those that were changed")
    repaired_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["project", "-repaired_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.what}"


class App(Seen):
    """Something that runs in the namespace besides workspaces and runs."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="apps")
    name = models.CharField(max_length=253)
    link = models.URLField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="workspaces_app_name")]

    def __str__(self) -> str:
        return self.name


class ModelServer(Seen):
    """A MONAI Label server in the namespace, as its /info/ says; what it offers as name, type, labels, dimension."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_servers")
    name = models.CharField(max_length=253)
    title = models.CharField(max_length=200, blank=True)
    version = models.CharField(max_length=200, blank=True)
    is_training = models.BooleanField(default=False)
    offers = models.JSONField(default=list)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="workspaces_model_server_name")]

    def __str__(self) -> str:
        return self.name


class NamespaceSeen(models.Model):
    """The namespace as last looked at: `used` and `hard` of its ResourceQuota, and what could not be made so.

    `claim` is in the namespace's labels: one that has another, or none, is somebody else's.
    """

    claim = models.UUIDField(default=uuid.uuid4)
    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="namespace_seen")
    seen_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True, help_text="when it was last about to be repaired")
    used = models.JSONField(default=dict)
    hard = models.JSONField(default=dict)
    trouble = models.TextField(blank=True)
    broken_since = models.DateTimeField(null=True, help_text="since when something of the project does not run")

    def __str__(self) -> str:
        return f"namespace of {self.project}"
