from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts.models import User
from apps.core.badges import Badge
from apps.core.state import Stateful, status_constraint


class Project(Stateful):
    class Status(models.TextChoices):
        PROVISIONING = "provisioning", "Being set up"
        READY = "ready", "Ready"
        DEGRADED = "degraded", "Degraded"
        EXPIRING = "expiring", "Ends soon"
        SUSPENDED = "suspended", "Suspended"
        ARCHIVED = "archived", "Archived"
        DELETION_SCHEDULED = "deletion_scheduled", "To be deleted"
        DELETING = "deleting", "Being deleted"
        DELETED = "deleted", "Deleted"

    TRANSITIONS: ClassVar = {
        Status.PROVISIONING: frozenset({Status.READY, Status.DELETION_SCHEDULED}),
        Status.READY: frozenset(
            {Status.DEGRADED, Status.EXPIRING, Status.SUSPENDED, Status.ARCHIVED, Status.DELETION_SCHEDULED}
        ),
        Status.DEGRADED: frozenset(
            {Status.READY, Status.EXPIRING, Status.SUSPENDED, Status.ARCHIVED, Status.DELETION_SCHEDULED}
        ),
        Status.EXPIRING: frozenset({Status.READY, Status.SUSPENDED, Status.ARCHIVED, Status.DELETION_SCHEDULED}),
        Status.SUSPENDED: frozenset({Status.READY, Status.ARCHIVED, Status.DELETION_SCHEDULED}),
        Status.ARCHIVED: frozenset({Status.READY, Status.DELETION_SCHEDULED}),
        Status.DELETION_SCHEDULED: frozenset(
            {Status.PROVISIONING, Status.READY, Status.SUSPENDED, Status.ARCHIVED, Status.DELETING}
        ),
        Status.DELETING: frozenset({Status.DELETED}),
    }
    AT_WORK: ClassVar = frozenset({Status.READY, Status.DEGRADED, Status.EXPIRING})
    SET_UP: ClassVar = AT_WORK | {Status.SUSPENDED, Status.ARCHIVED}
    ASLEEP: ClassVar = frozenset({Status.SUSPENDED, Status.DELETION_SCHEDULED})
    ENDING: ClassVar = frozenset({Status.DELETION_SCHEDULED, Status.DELETING})
    HIDDEN: ClassVar = ENDING | {Status.DELETED}
    BADGES: ClassVar = {
        Status.PROVISIONING: Badge("busy", "loader-2", "Being set up"),
        Status.READY: Badge("good", "circle-check", "Ready"),
        Status.DEGRADED: Badge("bad", "alert-triangle", "Degraded", "Something of it does not run as it should."),
        Status.EXPIRING: Badge("wait", "clock", "Ends soon", "An owner can ask for more time."),
        Status.SUSPENDED: Badge("off", "ban", "Suspended", "Nothing runs; everything is kept."),
        Status.ARCHIVED: Badge("off", "folder", "Archived", "The images are kept and can be read."),
        Status.DELETION_SCHEDULED: Badge("bad", "trash", "To be deleted", "An owner can still undo it."),
        Status.DELETING: Badge("busy", "loader-2", "Being deleted"),
        Status.DELETED: Badge("off", "trash", "Deleted"),
    }

    name = models.CharField(max_length=120)
    namespace = models.CharField(max_length=40, unique=True)
    description = models.TextField(blank=True)
    principal_investigator = models.CharField(max_length=200)
    starts_on = models.DateField()
    ends_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)
    warned_at_days = models.PositiveSmallIntegerField(
        null=True, help_text="which of the mails before the last day went out last; none: none yet"
    )
    delete_at = models.DateTimeField(null=True, help_text="end of the time in which a deletion can be undone")
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    class Meta:
        constraints = [
            status_constraint(
                [
                    "provisioning",
                    "ready",
                    "degraded",
                    "expiring",
                    "suspended",
                    "archived",
                    "deletion_scheduled",
                    "deleting",
                    "deleted",
                ],
                "projects_project_status",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def locked(self) -> "Project":
        """The project as it is now; nobody else changes it until the caller's transaction ends.

        Always the first of a transaction's locks: two that take them in different orders would wait for each other.
        """
        # Without "no key" this would wait for a sign-in that writes a membership, which may wait for this.
        return Project.objects.select_for_update(no_key=True).get(pk=self.pk)

    @property
    def takes_work(self) -> bool:
        """Whether something new may begin in it: an upload, a run, a membership."""
        return self.status in self.AT_WORK

    @property
    def is_asleep(self) -> bool:
        """Whether all that runs for it on a cluster is scaled to zero, its archive included."""
        return self.status in self.ASLEEP

    @property
    def is_stopped_by_clock(self) -> bool:
        """Whether time alone has suspended or archived it, and no person."""
        last = self.events().last() if self.status in (self.Status.SUSPENDED, self.Status.ARCHIVED) else None
        return last is not None and last.by_pk is None

    @property
    def badge(self) -> Badge:
        return self.BADGES[self.Status(self.status)]

    @property
    def days_left(self) -> int:
        """Until the last day, which is 0; negative once that is over."""
        return (self.ends_on - timezone.localdate()).days


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


class Invitation(Stateful):
    """Somebody is asked by e-mail to join. The link's token is kept only as its hash; a new link ends the former."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits for an answer"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        REVOKED = "revoked", "Taken back"

    TRANSITIONS: ClassVar = {Status.WAITING: frozenset({Status.ACCEPTED, Status.DECLINED, Status.REVOKED})}

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=8, choices=Membership.Role.choices)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    digest = models.CharField(max_length=64, unique=True)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    terms_version = models.CharField(max_length=32, blank=True, help_text="of the terms that a new person accepted")
    terms_accepted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["project", "-created_at"])]
        constraints = [
            status_constraint(["waiting", "accepted", "declined", "revoked"], "projects_invitation_status"),
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
    requested_at = models.DateTimeField(default=timezone.now)
    granted_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"allocation of {self.project}"


class ProjectChange(models.Model):
    """A turn in a project's life. What follows from it elsewhere is done by the rooms above, which read this row."""

    class Action(models.TextChoices):
        SUSPEND = "suspend", "Suspended"
        RESUME = "resume", "Resumed"
        ARCHIVE = "archive", "Archived"
        RESTORE = "restore", "Restored"
        SCHEDULE_DELETION = "schedule_deletion", "Deletion scheduled"
        UNDO_DELETION = "undo_deletion", "Deletion undone"
        DELETE = "delete", "Deletion begun"
        GRANT = "grant", "Resources changed"
        EXTEND = "extend", "Last day changed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="changes")
    action = models.CharField(max_length=20, choices=Action.choices)
    target = models.CharField(max_length=32, blank=True, help_text="state that the project moved to, if it moved")
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", help_text="none: the clock")
    why = models.TextField(blank=True)
    detail = models.JSONField(default=dict, help_text="name → [before, after]")
    at = models.DateTimeField(default=timezone.now)
    runs_ended_at = models.DateTimeField(null=True, help_text="since when none of the project's runs goes on")
    done_at = models.DateTimeField(null=True, help_text="when all that follows was done, or is no longer wished")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["project"], condition=models.Q(done_at=None), name="projects_change_open")]

    def __str__(self) -> str:
        return f"{self.action} of {self.project}"


class ExtensionRequest(Stateful):
    """An owner asks for a later last day."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits for a decision"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"

    TRANSITIONS: ClassVar = {Status.WAITING: frozenset({Status.GRANTED, Status.REFUSED, Status.WITHDRAWN})}
    BADGES: ClassVar = {
        Status.WAITING: Badge("wait", "hourglass", "Waits for a decision"),
        Status.GRANTED: Badge("good", "circle-check", "Granted"),
        Status.REFUSED: Badge("off", "circle-x", "Refused"),
        Status.WITHDRAWN: Badge("off", "ban", "Withdrawn"),
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="extension_requests")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="extension_requests")
    ends_on = models.DateField()
    why = models.TextField()
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    said = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            status_constraint(["waiting", "granted", "refused", "withdrawn"], "projects_extension_status"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(status="waiting"), name="projects_extension_one_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"extension {self.pk}"

    @property
    def badge(self) -> Badge:
        return self.BADGES[self.Status(self.status)]
