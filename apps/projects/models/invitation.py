from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts.models import User
from apps.core.state import Stateful, status_constraint
from apps.projects.models.membership import Membership
from apps.projects.models.project import Project


class Invitation(Stateful):
    """Somebody is asked by e-mail to join. The link's token is kept only as its hash; a new link ends the former."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits for an answer"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        REVOKED = "revoked", "Taken back"
        CLOSED = "closed", "No longer valid"

    TRANSITIONS: ClassVar = {
        Status.WAITING: frozenset({Status.ACCEPTED, Status.DECLINED, Status.REVOKED, Status.CLOSED})
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=8, choices=Membership.Role.choices)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    digest = models.CharField(max_length=64, unique=True)
    sent_at = models.DateTimeField(default=timezone.now)
    mails_that_day = models.PositiveSmallIntegerField(default=1, help_text="how many were sent on the day of `sent_at`")
    expires_at = models.DateTimeField()
    terms_version = models.CharField(max_length=32, blank=True, help_text="of the terms that a new person accepted")
    terms_accepted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["project", "-created_at"])]
        constraints = [
            status_constraint(["waiting", "accepted", "declined", "revoked", "closed"], "projects_invitation_status"),
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "member", "owner"]), name="projects_invitation_role"
            ),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="projects_invitation_email_lower"),
            models.UniqueConstraint(
                fields=["project", "email"], condition=models.Q(status="waiting"), name="projects_invitation_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.status == self.Status.WAITING and self.expires_at > timezone.now()
