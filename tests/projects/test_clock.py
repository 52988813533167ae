"""What time alone does: mails at 30, 7 and 1 days, each once; suspension, archive; the end of a grace period."""

from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.utils import timezone

from apps.accounts.models import User
from apps.core.models import Mail
from apps.core.state import IllegalTransition
from apps.projects import clock, granting, lifecycle
from apps.projects.models import Project, ProjectChange
from tests.racing import at_once

Status = Project.Status


def set_days_left(project: Project, days: int) -> None:
    Project.objects.filter(pk=project.pk).update(ends_on=timezone.localdate() + timedelta(days=days))


def sweep_with(project: Project, days: int) -> Project:
    set_days_left(project, days)
    clock.sweep()
    project.refresh_from_db()
    return project


def subjects() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("subject", flat=True))


def test_a_month_before_nothing_happens(project: Project) -> None:
    assert sweep_with(project, 31).status == Status.READY
    assert subjects() == []


def test_the_owners_are_written_to_at_30_7_and_1_days_each_once(project: Project) -> None:
    for days in (30, 29, 8, 7, 7, 6, 2, 1, 1, 0):
        assert sweep_with(project, days).status == Status.EXPIRING
    assert subjects() == ["Cardiac mr ends in 30 days", "Cardiac mr ends in 7 days", "Cardiac mr ends in 1 day"]
    assert set(Mail.objects.values_list("to", flat=True)) == {"alice@hospital.example"}
    assert "/projects/cardiac-mr/settings/" in Mail.objects.all()[0].text


def test_after_days_without_the_clock_there_is_one_mail_with_the_right_number(project: Project) -> None:
    sweep_with(project, 30)
    sweep_with(project, 1)
    assert subjects() == ["Cardiac mr ends in 30 days", "Cardiac mr ends in 1 day"]
    Mail.objects.all().delete()
    Project.objects.filter(pk=project.pk).update(warned_at_days=None, status=Status.READY)
    sweep_with(project, 5)
    assert subjects() == ["Cardiac mr ends in 5 days"]


def test_a_degraded_project_ends_too(project: Project) -> None:
    lifecycle.degrade(project, why="broken")
    assert sweep_with(project, 3).status == Status.EXPIRING


def test_the_day_after_the_last_it_is_suspended_and_the_members_are_told(project: Project) -> None:
    assert sweep_with(project, 0).status == Status.EXPIRING
    Mail.objects.all().delete()
    assert sweep_with(project, -1).status == Status.SUSPENDED
    change = ProjectChange.objects.get(project=project)
    assert change.by is None
    assert "is over" in change.why
    assert len(subjects()) == 3


def test_a_clock_that_was_down_for_a_year_suspends_before_it_archives(project: Project) -> None:
    assert sweep_with(project, -365).status == Status.SUSPENDED
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.SUSPENDED


def test_long_after_the_last_day_it_is_archived(project: Project) -> None:
    sweep_with(project, -1)
    long_ago = timezone.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS, hours=1)
    Project.objects.filter(pk=project.pk).update(status_changed_at=long_ago)
    assert sweep_with(project, -1).status == Status.SUSPENDED
    assert sweep_with(project, -settings.ARCHIVE_AFTER_DAYS - 1).status == Status.ARCHIVED


def test_what_an_administrator_suspended_within_its_time_stays_suspended(project: Project, admin: User) -> None:
    lifecycle.suspend(project, by=admin, why="Pause")
    Project.objects.filter(pk=project.pk).update(status_changed_at=timezone.now() - timedelta(days=400))
    assert sweep_with(project, 10).status == Status.SUSPENDED


def test_the_deletion_begins_when_the_time_to_undo_it_is_over(project: Project, alice: User) -> None:
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.DELETION_SCHEDULED
    Project.objects.filter(pk=project.pk).update(delete_at=timezone.now() - timedelta(seconds=1))
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.DELETING
    with pytest.raises(IllegalTransition):
        lifecycle.undo_deletion(project, by=alice)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("days", [30, -1])
def test_beats_at_once_write_one_mail_each(project: Project, days: int) -> None:
    set_days_left(project, days)
    assert at_once(*[clock.sweep] * 4, refused=IllegalTransition) == []
    mails = list(Mail.objects.values_list("to", flat=True))
    assert sorted(mails) == sorted(set(mails))
    assert len(mails) == (1 if days > 0 else 3)
    assert ProjectChange.objects.count() == (0 if days > 0 else 1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_undoing_at_the_end_of_the_grace_period_is_one_or_the_other(project: Project, alice: User) -> None:
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    Project.objects.filter(pk=project.pk).update(delete_at=timezone.now() - timedelta(seconds=1))
    undo = partial(lifecycle.undo_deletion, Project.objects.get(pk=project.pk), by=alice)
    raised = at_once(clock.sweep, undo, clock.sweep, refused=IllegalTransition)
    project.refresh_from_db()
    assert project.status in (Status.DELETING, Status.READY)
    assert len(raised) == (1 if project.status == Status.DELETING else 0)
    turns = list(project.changes.order_by("pk").values_list("action", flat=True))
    assert len(turns) == 2
    assert (project.delete_at is None) == (project.status == Status.READY)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_later_day_given_while_the_clock_suspends_ends_at_work(project: Project, admin: User) -> None:
    set_days_left(project, -1)
    later = timezone.localdate() + timedelta(days=90)
    extend = partial(granting.set_last_day, project, later, by=admin)
    raised = at_once(clock.sweep, extend, clock.sweep, refused=IllegalTransition)
    project.refresh_from_db()
    assert raised == []
    assert (project.status, project.ends_on) == (Status.READY, later)
