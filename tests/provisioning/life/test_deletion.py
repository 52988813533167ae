"""What follows from a deletion, on this machine: at the end nothing is left but the row and the audit."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.keycloak import is_in_use
from apps.accounts.models import User
from apps.archives.models import Archive
from apps.core.models import Step
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.jobs import endings
from apps.jobs.models import Run
from apps.projects import clock, groups, lifecycle
from apps.projects.models import Project
from apps.provisioning import lifecycle as following
from apps.provisioning.selectors import lines_of, steps_of_life
from tests.provisioning.life.conftest import assert_nothing_is_left, follow, to_deletion

Status = Project.Status


def test_nothing_is_left_but_the_row_and_the_audit(
    project: Project, archive: Archive, run: Run, alice: User, settings: Any
) -> None:
    folder = Path(settings.ARCHIVES_DIR, str(archive.pk))
    assert folder.exists()
    to_deletion(project, alice)
    change = follow(project)
    assert {step.status for step in steps_of_life(change)} == {Step.Status.DONE}
    assert_nothing_is_left(project, archive, folder)
    assert not Path(settings.RUNS_DIR, "logs", f"{run.pk}.txt").exists()


class Killed(BaseException):
    """Like SIGKILL: nothing in the ledger may catch it."""


@pytest.mark.faults
@pytest.mark.parametrize("killed_at", ["runs", "images", "end"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_a_step_of_the_deletion_is_succeeded_by_the_sweep(
    project: Project,
    archive: Archive,
    run: Run,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    killed_at: str,
    when: str,
) -> None:
    to_deletion(project, alice)
    endings.sweep()
    act = following.ACTIONS[killed_at]

    def die(change_pk: int) -> None:
        if when == "after":
            act(change_pk)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(following, "ACTIONS", {**following.ACTIONS, killed_at: die})
        with pytest.raises(Killed):
            following.sweep()
    settings.CLAIM_SECONDS = 0.01
    time.sleep(0.02)
    follow(project)
    assert_nothing_is_left(project, archive, Path(settings.ARCHIVES_DIR, str(archive.pk)))


@pytest.mark.parametrize("name", ["runs", "images", "end"])
def test_each_step_may_run_twice(project: Project, archive: Archive, alice: User, settings: Any, name: str) -> None:
    to_deletion(project, alice)
    endings.sweep()
    change = project.changes.order_by("pk").last()
    assert change is not None
    for _ in range(2):
        following.ACTIONS[name](change.pk)
    follow(project)
    assert_nothing_is_left(project, archive, Path(settings.ARCHIVES_DIR, str(archive.pk)))


def test_an_undone_deletion_deletes_nothing(project: Project, archive: Archive, alice: User) -> None:
    lifecycle.schedule_deletion(project, typed=project.namespace, by=alice)
    follow(project)
    lifecycle.undo_deletion(project, by=alice)
    follow(project)
    Project.objects.filter(pk=project.pk).update(delete_at=timezone.now() - timedelta(days=1))
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.READY
    assert archive.instances.count() == 3


def test_the_groups_go_with_the_project(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.AUTH_MODE = "keycloak"
    assert is_in_use()
    keycloak = MemoryKeycloak()
    monkeypatch.setattr(realm, "directory", lambda: keycloak)
    keycloak.ensure_group("MAIA:cardiac-mr-2")
    for group in groups.groups_of(project.namespace).values():
        keycloak.ensure_group(group)
    to_deletion(project, alice)
    keycloak.is_down = True
    change = follow(project, turns=3)
    assert change.done_at is None
    assert "Keycloak does not answer" in [line.sentence for line in lines_of(steps_of_life(change))][2]
    keycloak.is_down = False
    follow(project)
    assert project.status == Status.DELETED
    assert set(keycloak.groups) == {"MAIA:cardiac-mr-2"}


def test_who_still_has_the_group_does_not_come_back_in(project: Project, alice: User, charlie: User) -> None:
    to_deletion(project, alice)
    groups.follow(charlie, ["MAIA:cardiac-mr"], read_at=timezone.now())
    assert not project.memberships.filter(user=charlie).exists()


def test_a_project_that_was_never_set_up_can_be_deleted(project: Project, alice: User) -> None:
    Project.objects.filter(pk=project.pk).update(status=Status.PROVISIONING)
    project.refresh_from_db()
    to_deletion(project, alice)
    follow(project)
    assert project.status == Status.DELETED
