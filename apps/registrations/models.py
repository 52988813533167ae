from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.badges import Badge
from apps.core.state import Stateful, status_constraint
from apps.projects.models import Project


class Registration(Stateful):
    """A request for a new project. From a proved address until it ends it holds its namespace against others."""

    class Status(models.TextChoices):
        SUBMITTED = "submitted", "Address not proved"
        EMAIL_VERIFIED = "email_verified", "Waits for approval"
        CHANGES_REQUESTED = "changes_requested", "Changes asked"
        APPROVED = "approved", "Approved"
        PROVISIONED = "provisioned", "Set up"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    TRANSITIONS: ClassVar = {
        Status.SUBMITTED: frozenset({Status.EMAIL_VERIFIED, Status.WITHDRAWN, Status.EXPIRED}),
        Status.EMAIL_VERIFIED: frozenset(
            {Status.APPROVED, Status.REJECTED, Status.CHANGES_REQUESTED, Status.WITHDRAWN}
        ),
        Status.CHANGES_REQUESTED: frozenset(
            {Status.EMAIL_VERIFIED, Status.SUBMITTED, Status.WITHDRAWN, Status.EXPIRED}
        ),
        Status.APPROVED: frozenset({Status.PROVISIONED}),
    }
    BADGES: ClassVar = {
        Status.SUBMITTED: Badge(
            "wait", "mail", "Address not proved", "The requester has to open the link in the mail."
        ),
        Status.EMAIL_VERIFIED: Badge("wait", "hourglass", "Waits for approval", "An approver has to decide."),
        Status.CHANGES_REQUESTED: Badge("wait", "pencil", "Changes asked", "The requester has to edit the request."),
        Status.APPROVED: Badge("busy", "loader-2", "Approved", "The portal is setting the project up."),
        Status.PROVISIONED: Badge("good", "circle-check", "Set up", "The project is there."),
        Status.REJECTED: Badge("off", "circle-x", "Rejected", "The reason was mailed to the requester."),
        Status.WITHDRAWN: Badge("off", "ban", "Withdrawn", "The requester took it back."),
        Status.EXPIRED: Badge("off", "clock", "Expired", "Nobody answered in time."),
    }

    nonce = models.CharField(max_length=32, help_text="part of the private link; a new one makes older links useless")
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="registrations")
    name = models.CharField(max_length=200)
    email = models.EmailField()
    affiliation = models.CharField(max_length=200)
    purpose = models.TextField()
    project_name = models.CharField(max_length=120)
    namespace = models.CharField(max_length=40)
    is_namespace_reserved = models.BooleanField(default=False)
    description = models.TextField(blank=True)
    principal_investigator = models.CharField(max_length=200)
    cpus = models.PositiveIntegerField()
    memory_gib = models.PositiveIntegerField()
    gpus = models.PositiveIntegerField()
    storage_gib = models.PositiveIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)
    project = models.OneToOneField(Project, on_delete=models.PROTECT, null=True, related_name="registration")

    class Meta:
        indexes = [models.Index(fields=["status", "created_at"]), models.Index(fields=["email"])]
        constraints = [
            status_constraint(
                [
                    "submitted",
                    "email_verified",
                    "changes_requested",
                    "approved",
                    "provisioned",
                    "rejected",
                    "withdrawn",
                    "expired",
                ],
                "registrations_registration_status",
            ),
            models.UniqueConstraint(
                fields=["namespace"],
                condition=models.Q(is_namespace_reserved=True),
                name="registrations_registration_namespace",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on__gt=models.F("starts_on")), name="registrations_registration_days"
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    def is_asked_by(self, user: User) -> bool:
        """Whether it is this person's own: made while signed in, or with the account's proved address."""
        return self.submitted_by_id == user.pk or self.email == user.email

    @property
    def badge(self) -> Badge:
        return self.BADGES[self.Status(self.status)]

    @property
    def version(self) -> str:
        """What a page shows of this row: another version means that the row has moved since."""
        return self.status_changed_at.isoformat()
