"""Owners and administrators are written to when a project stays degraded, and once when all of it runs again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.projects import clock, lifecycle
from apps.projects.models import Membership, Project
from tests.racing import at_once

Status = Project.Status
WHY = "Orthanc does not run."
DEGRADED, WELL = "Cardiac mr is degraded", "Cardiac mr runs as it should again"


def let_pass(project: Project, minutes: int) -> None:
    """So much time goes by in which the project's state stays what it is, and the clock sweeps."""
    time = timedelta(minutes=minutes)
    project.refresh_from_db()
    project.status_changed_at -= time
    if project.trouble_told_at:
        project.trouble_told_at -= time
    project.save(update_fields=["status_changed_at", "trouble_told_at"])
    clock.sweep()
    clock.sweep()
    project.refresh_from_db()


def degrade(project: Project, minutes: int) -> None:
    lifecycle.degrade(project, why=WHY)
    let_pass(project, minutes)


def recover(project: Project, minutes: int) -> None:
    lifecycle.recover(project)
    let_pass(project, minutes)


def subjects(user: User) -> list[str]:
    return list(Mail.objects.filter(to=user.email).order_by("pk").values_list("subject", flat=True))


def test_owners_and_administrators_are_told_and_told_again_when_it_is_well(
    project: Project, alice: User, bob: User, admin: User, approver: User, support: User
) -> None:
    degrade(project, 6)
    assert set(Mail.objects.values_list("to", flat=True)) == {alice.email, admin.email}
    mail = Mail.objects.get(to=alice.email)
    assert mail.subject == DEGRADED
    assert WHY in mail.text
    assert "/projects/cardiac-mr/settings/" in mail.text
    recover(project, 6)
    assert subjects(alice) == subjects(admin) == [DEGRADED, WELL]
    assert Mail.objects.count() == 4
    actions = Entry.objects.filter(action__endswith="_announced").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["project.trouble_announced", "project.recovery_announced"]


def test_a_moment_is_no_news(project: Project, alice: User) -> None:
    degrade(project, 4)
    recover(project, 10)
    degrade(project, 6)
    recover(project, 4)
    degrade(project, 4)
    recover(project, 4)
    assert subjects(alice) == [DEGRADED]
    let_pass(project, 2)
    assert subjects(alice) == [DEGRADED, WELL]


def test_what_comes_and_goes_is_one_pair_an_hour(project: Project, alice: User) -> None:
    for _ in range(3):
        degrade(project, 6)
        recover(project, 6)
    assert subjects(alice) == [DEGRADED, WELL]
    degrade(project, 6)
    assert subjects(alice) == [DEGRADED, WELL]
    let_pass(project, 30)
    assert subjects(alice) == [DEGRADED, WELL, DEGRADED]


def test_what_was_suspended_meanwhile_is_told_to_be_well_once_it_is(project: Project, alice: User, admin: User) -> None:
    degrade(project, 6)
    lifecycle.suspend(project, by=admin, why="Repair")
    let_pass(project, 60)
    assert WELL not in subjects(alice)
    lifecycle.resume(project, by=admin)
    let_pass(project, 6)
    assert subjects(alice)[-1] == WELL


def test_an_owner_who_is_an_administrator_gets_one_mail(project: Project, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(platform_role=User.PlatformRole.ADMINISTRATOR)
    Membership.objects.filter(user=bob).update(role=Membership.Role.OWNER)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    degrade(project, 6)
    assert list(Mail.objects.values_list("to", flat=True)) == [alice.email]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_beats_at_once_write_one_mail(project: Project, alice: User) -> None:
    lifecycle.degrade(project, why=WHY)
    Project.objects.update(status_changed_at=timezone.now() - timedelta(minutes=6))
    at_once(*[clock.sweep] * 4)
    assert subjects(alice) == [DEGRADED]
