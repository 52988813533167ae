"""What time alone does to a project: mails before its last day, about trouble and about the lack of an owner,
suspension, archive, deletion.

Each turn locks the project and looks again, so that of two sweeps at once, or of a sweep and a person, one acts.
"""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.audit.services import record
from apps.core.templatetags.ui import day
from apps.projects import letters, lifecycle, owners
from apps.projects.models import Project

Status = Project.Status
WARNINGS = (30, 7, 1)
"""So many days before the last one the owners are written to, each time once."""
STANDS = timedelta(minutes=5)
"""So long a project is degraded, or well again, before anybody is written to about it."""
TROUBLE_APART = timedelta(hours=1)
"""One that is degraded time and again is written about once in so long."""


def sweep() -> None:
    _each(_near_end(), _warn)
    _each(_over(), _suspend)
    _each(_long_over(), _archive)
    _each(_to_delete(), lifecycle.begin_deletion)
    _each(_degraded(), _tell_trouble)
    _each(_well_again(), _tell_no_trouble)
    _each(owners.without().filter(is_ownerless_told=False), _tell_without_owner)
    Project.objects.filter(is_ownerless_told=True).exclude(pk__in=owners.without()).update(is_ownerless_told=False)


def is_near_end(project: Project) -> bool:
    return 0 <= project.days_left <= WARNINGS[0]


def _near_end() -> QuerySet[Project]:
    today = timezone.localdate()
    return Project.objects.filter(
        status__in=Project.AT_WORK, ends_on__gte=today, ends_on__lte=today + timedelta(days=WARNINGS[0])
    )


def _over() -> QuerySet[Project]:
    return Project.objects.filter(status__in=Project.AT_WORK, ends_on__lt=timezone.localdate())


def _long_over() -> QuerySet[Project]:
    """Suspended for so long as well: nobody finds a project archived who was not told before that it is suspended."""
    after = timedelta(days=settings.ARCHIVE_AFTER_DAYS)
    return Project.objects.filter(
        status=Status.SUSPENDED, ends_on__lt=timezone.localdate() - after, status_changed_at__lt=timezone.now() - after
    )


def _to_delete() -> QuerySet[Project]:
    return Project.objects.filter(status=Status.DELETION_SCHEDULED, delete_at__lte=timezone.now())


def _degraded() -> QuerySet[Project]:
    """Those of which nobody knows yet, nor has heard just before."""
    now = timezone.now()
    unheard = Q(trouble_told_at=None) | Q(trouble_told_at__lte=now - TROUBLE_APART)
    standing = Project.objects.filter(status=Status.DEGRADED, status_changed_at__lte=now - STANDS)
    return standing.filter(unheard, is_trouble_told=False)


def _well_again() -> QuerySet[Project]:
    standing = Project.objects.filter(status=Status.READY, status_changed_at__lte=timezone.now() - STANDS)
    return standing.filter(is_trouble_told=True)


def _each(due: QuerySet[Project], act: Callable[[Project], None]) -> None:
    for pk in due.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            project = due.select_for_update(no_key=True).filter(pk=pk).first()
            if project is not None:
                act(project)


def _warn(project: Project) -> None:
    if project.status != Status.EXPIRING:
        project.move_to(Status.EXPIRING, why=f"{project.days_left} days left")
        record("project.expiring", actor=None, project=project.pk, subject=project, ends_on=str(project.ends_on))
    # After days without the clock there is one mail, the latest.
    due = min(days for days in WARNINGS if days >= project.days_left)
    if project.warned_at_days is None or project.warned_at_days > due:
        Project.objects.filter(pk=project.pk).update(warned_at_days=due)
        letters.tell_end_is_near(project)
        record("project.end_announced", actor=None, project=project.pk, subject=project, days=project.days_left)


def _tell_trouble(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(trouble_told_at=timezone.now(), is_trouble_told=True)
    letters.tell_trouble(project, lifecycle.trouble_of(project))
    record("project.trouble_announced", actor=None, project=project.pk, subject=project)


def _tell_no_trouble(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(is_trouble_told=False)
    letters.tell_trouble(project, "")
    record("project.recovery_announced", actor=None, project=project.pk, subject=project)


def _tell_without_owner(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(is_ownerless_told=True)
    letters.tell_without_owner(project)
    record("project.without_owner", actor=None, project=project.pk, subject=project)


def _suspend(project: Project) -> None:
    lifecycle.suspend(project, by=None, why=f"Its last day, {day(project.ends_on)}, is over.")


def _archive(project: Project) -> None:
    lifecycle.archive(project, by=None, why=f"Its last day, {day(project.ends_on)}, is long over.")
