"""Who is in a project, and how that changes."""

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.projects.models.project import Project


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
    changed_at = models.DateTimeField(default=timezone.now, help_text="when the role was last given here")
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

    def may_export_as(self, role: str) -> bool:
        """With that role: the right to export comes and goes with ownership, and stays where it was given besides."""
        return role == self.Role.OWNER or (self.may_export and self.role != self.Role.OWNER)


class MembershipChange(models.Model):
    """Somebody joined, got another role or left. What follows elsewhere is done step by step until `done_at`."""

    LEDGER = "member"

    class Action(models.TextChoices):
        JOIN = "join", "Joins"
        ROLE = "role", "Gets another role"
        LEAVE = "leave", "Leaves"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="membership_changes")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="membership_changes")
    action = models.CharField(max_length=8, choices=Action.choices)
    role = models.CharField(max_length=8, choices=Membership.Role.choices, help_text="of who leaves: the former role")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, help_text="set together with the one mail to the person")
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "user"]),
            models.Index(fields=["project"], condition=models.Q(done_at=None), name="projects_change_undone"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(action__in=["join", "role", "leave"]), name="projects_change_action"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "member", "owner"]), name="projects_change_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.action} {self.project}"


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
