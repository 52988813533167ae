from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.state import Stateful, status_constraint


class Project(Stateful):
    class Status(models.TextChoices):
        PROVISIONING = "provisioning", "Being set up"
        READY = "ready", "Ready"

    TRANSITIONS: ClassVar = {Status.PROVISIONING: frozenset({Status.READY})}

    name = models.CharField(max_length=120)
    namespace = models.CharField(max_length=40, unique=True)
    description = models.TextField(blank=True)
    principal_investigator = models.CharField(max_length=200)
    starts_on = models.DateField()
    ends_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    class Meta:
        constraints = [status_constraint(["provisioning", "ready"], "projects_project_status")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer"
        MEMBER = "member", "Member"
        OWNER = "owner", "Owner"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices)
    may_export = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now)
    grouped_at = models.DateTimeField(null=True, help_text="since when Keycloak's group says so; none: not told it yet")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="projects_membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "member", "owner"]), name="projects_membership_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"


class Removal(models.Model):
    """A wish: this person is to leave the project's groups in Keycloak."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="removals")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="removals")
    asked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="projects_removal_once")]

    def __str__(self) -> str:
        return f"{self.user} out of {self.project}"


class Allocation(models.Model):
    """What a project asked for and what it was granted."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="allocation")
    requested_cpus = models.PositiveIntegerField()
    requested_memory_gib = models.PositiveIntegerField()
    requested_gpus = models.PositiveIntegerField()
    requested_storage_gib = models.PositiveIntegerField()
    granted_cpus = models.PositiveIntegerField()
    granted_memory_gib = models.PositiveIntegerField()
    granted_gpus = models.PositiveIntegerField()
    granted_storage_gib = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"allocation of {self.project}"
