"""The project itself, and what it may use."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.badges import Badge
from apps.core.state import StateEvent, Stateful, status_constraint
from apps.projects.look_alikes import skeleton_of


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
        Status.ARCHIVED: frozenset({Status.READY, Status.SUSPENDED, Status.DELETION_SCHEDULED}),
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
    skeleton = models.CharField(
        max_length=80, blank=True, help_text="of the namespace; empty when an older project has one that reads alike"
    )
    description = models.TextField(blank=True)
    principal_investigator = models.CharField(max_length=200)
    starts_on = models.DateField()
    ends_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)
    warned_at_days = models.PositiveSmallIntegerField(
        null=True, help_text="which of the mails before the last day went out last; none: none yet"
    )
    delete_at = models.DateTimeField(null=True, help_text="end of the time in which a deletion can be undone")
    trouble_told_at = models.DateTimeField(null=True, help_text="when the last mail went out that it is degraded")
    is_trouble_told = models.BooleanField(default=False, help_text="that mail has none yet that all runs again")
    is_ownerless_told = models.BooleanField(default=False, help_text="that it has no owner who can act")
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
            ),
            models.UniqueConstraint(
                fields=["skeleton"], condition=~models.Q(skeleton=""), name="projects_project_reads_like_no_other"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.skeleton = skeleton_of(self.namespace)
        super().save(*args, **kwargs)

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
        last = self.last_stop(self.status) if self.status in (self.Status.SUSPENDED, self.Status.ARCHIVED) else None
        return last is not None and last.by_pk is None

    @property
    def is_held(self) -> bool:
        """Whether an administrator has suspended it and none has ended that, also if it was archived since."""
        if self.status == self.Status.ARCHIVED:
            archived = self.last_stop(self.Status.ARCHIVED)
            is_suspended = archived is not None and archived.from_status == self.Status.SUSPENDED
        else:
            is_suspended = self.status == self.Status.SUSPENDED
        suspended = self.last_stop(self.Status.SUSPENDED) if is_suspended else None
        return suspended is not None and suspended.by_pk is not None

    def last_stop(self, status: str) -> StateEvent | None:
        """The move by which it came to be suspended, or archived, last; what only brings back what was is none."""
        back = (self.Status.DELETION_SCHEDULED, self.Status.ARCHIVED)
        return self.events().filter(to_status=status).exclude(from_status__in=back).last()

    @property
    def badge(self) -> Badge:
        return self.BADGES[self.Status(self.status)]

    @property
    def days_left(self) -> int:
        """Until the last day, which is 0; negative once that is over."""
        return (self.ends_on - timezone.localdate()).days


class Allocation(models.Model):
    """What a project asked for and what it was granted."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="allocation")
    requested_cpus = models.PositiveIntegerField()
    requested_memory_gib = models.PositiveIntegerField()
    requested_gpus = models.PositiveIntegerField()
    requested_storage_gib = models.PositiveIntegerField()
    gpu_type = models.CharField(max_length=60, blank=True, help_text="the kind of GPU that was asked for; empty: any")
    granted_cpus = models.PositiveIntegerField()
    granted_memory_gib = models.PositiveIntegerField()
    granted_gpus = models.PositiveIntegerField()
    granted_storage_gib = models.PositiveIntegerField()
    requested_at = models.DateTimeField(default=timezone.now)
    granted_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"allocation of {self.project}"
