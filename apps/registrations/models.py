from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.badges import Badge
from apps.core.state import Stateful, status_constraint
from apps.projects.models import Membership, MembershipChange, Project


class Registration(Stateful):
    """A request: for a new project, or to join one.

    One for a new project holds its namespace against others from a proved address until it ends. One to join names a
    namespace, and `joins` is set once the address is proved, if there is such a project; the requester never learns
    whether there is.
    """

    class Kind(models.TextChoices):
        NEW_PROJECT = "new_project", "New project"
        JOIN = "join", "Join a project"

    class Status(models.TextChoices):
        SUBMITTED = "submitted", "Address not proved"
        EMAIL_VERIFIED = "email_verified", "Waits for approval"
        CHANGES_REQUESTED = "changes_requested", "Changes asked"
        APPROVED = "approved", "Approved"
        PROVISIONED = "provisioned", "Set up"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"
        PROJECT_DELETED = "project_deleted", "Project deleted"

    TRANSITIONS: ClassVar = {
        Status.SUBMITTED: frozenset({Status.EMAIL_VERIFIED, Status.WITHDRAWN, Status.EXPIRED}),
        Status.EMAIL_VERIFIED: frozenset(
            {Status.APPROVED, Status.REJECTED, Status.CHANGES_REQUESTED, Status.WITHDRAWN, Status.EXPIRED}
        ),
        Status.CHANGES_REQUESTED: frozenset(
            {Status.EMAIL_VERIFIED, Status.SUBMITTED, Status.WITHDRAWN, Status.EXPIRED}
        ),
        Status.APPROVED: frozenset({Status.PROVISIONED, Status.PROJECT_DELETED}),
        Status.PROVISIONED: frozenset({Status.PROJECT_DELETED}),
    }
    WANTED_ROLES: ClassVar = [(role.value, role.label) for role in (Membership.Role.VIEWER, Membership.Role.MEMBER)]
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
        Status.PROJECT_DELETED: Badge("off", "trash", "Project deleted", "Nothing is left of the project."),
    }

    JOIN_BADGES: ClassVar = {
        Status.EMAIL_VERIFIED: Badge(
            "wait", "hourglass", "Waits for approval", "An owner of the project has to decide."
        ),
        Status.APPROVED: Badge("busy", "loader-2", "Approved", "The portal is making the requester a member."),
        Status.PROVISIONED: Badge("good", "circle-check", "In the project", "The requester is a member."),
    }
    ENDING_BADGES: ClassVar = {
        Project.Status.DELETION_SCHEDULED: Badge(
            "off",
            "trash",
            "Project to be deleted",
            "Nothing is done for it; an owner or an administrator can still undo it.",
        ),
        Project.Status.DELETING: Badge("busy", "loader-2", "Project being deleted", "The portal is deleting it."),
        Project.Status.DELETED: BADGES[Status.PROJECT_DELETED],
    }

    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.NEW_PROJECT)
    nonce = models.CharField(max_length=32, help_text="part of the private link; a new one makes older links useless")
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="registrations")
    name = models.CharField(max_length=200)
    email = models.EmailField()
    affiliation = models.CharField(max_length=200)
    position = models.CharField(max_length=200, blank=True)
    purpose = models.TextField()
    terms_version = models.CharField(max_length=20, blank=True)
    terms_accepted_at = models.DateTimeField(null=True)
    wanted_role = models.CharField(max_length=8, blank=True)
    joins = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="requests_to_join")
    membership_change = models.OneToOneField(MembershipChange, on_delete=models.SET_NULL, null=True, related_name="+")
    deciders_told_at = models.DateTimeField(null=True, help_text="when those who decide on joining were told")
    project_name = models.CharField(max_length=120, blank=True)
    namespace = models.CharField(max_length=40)
    reserved_skeleton = models.CharField(
        max_length=80, blank=True, help_text="of the namespace, while nobody else may get it or one that reads alike"
    )
    description = models.TextField(blank=True)
    principal_investigator = models.CharField(max_length=200, blank=True)
    principal_investigator_email = models.EmailField(blank=True)
    cpus = models.PositiveIntegerField(default=0)
    memory_gib = models.PositiveIntegerField(default=0)
    gpus = models.PositiveIntegerField(default=0)
    gpu_type = models.CharField(max_length=60, blank=True)
    storage_gib = models.PositiveIntegerField(default=0)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    ethics_reference = models.CharField(max_length=200, blank=True)
    environment_file = models.TextField(blank=True)
    environment = models.JSONField(default=dict, help_text="what environments.read made of the file; {} without one")
    created_at = models.DateTimeField(default=timezone.now)
    project = models.OneToOneField(Project, on_delete=models.PROTECT, null=True, related_name="registration")

    class Meta:
        indexes = [
            models.Index(fields=["status", "created_at"]),
            models.Index(fields=["email"]),
            models.Index(fields=["joins", "status"]),
        ]
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
                    "project_deleted",
                ],
                "registrations_registration_status",
            ),
            models.UniqueConstraint(
                fields=["reserved_skeleton"],
                condition=~models.Q(reserved_skeleton=""),
                name="registrations_registration_namespace",
            ),
            models.UniqueConstraint(
                fields=["namespace", "email"],
                condition=models.Q(kind="join", status="email_verified"),
                name="registrations_registration_one_waits_to_join",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on__gt=models.F("starts_on")), name="registrations_registration_days"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="new_project", starts_on__isnull=False, joins=None, wanted_role="")
                | models.Q(kind="join", starts_on=None, reserved_skeleton="", wanted_role__in=["viewer", "member"]),
                name="registrations_registration_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    def is_asked_by(self, user: User) -> bool:
        """Whether it is this person's own: made while signed in, or with the account's proved address."""
        return self.submitted_by_id == user.pk or self.email == user.email

    @property
    def is_join(self) -> bool:
        return self.kind == self.Kind.JOIN

    @property
    def title(self) -> str:
        """What the request is called; of one to join it says no more than the requester wrote."""
        return f"Join {self.namespace}" if self.is_join else self.project_name

    @property
    def ending_project(self) -> Project | None:
        """The project that the approval led to, once it is to be deleted: members do not find it any more."""
        if self.status not in (self.Status.APPROVED, self.Status.PROVISIONED):
            return None
        project = self.joins if self.is_join else self.project
        return project if project is not None and project.status in Project.HIDDEN else None

    @property
    def badge(self) -> Badge:
        if project := self.ending_project:
            return self.ENDING_BADGES[Project.Status(project.status)]
        badges = self.BADGES | self.JOIN_BADGES if self.is_join else self.BADGES
        return badges[self.Status(self.status)]

    @property
    def version(self) -> str:
        """What a page shows of this row: another version means that the row has moved since."""
        return self.status_changed_at.isoformat()


class Digest(models.Model):
    """The day's mails of what waits are written."""

    day = models.DateField(unique=True)

    def __str__(self) -> str:
        return f"digest of {self.day}"
