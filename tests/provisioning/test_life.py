"""What follows from a turn in a project's life, on this machine: runs end, and at the end nothing is left."""

import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.accounts.keycloak import is_in_use
from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.archives.services import ensure_archive
from apps.audit.models import Entry
from apps.core.models import Step
from apps.datasets.services import import_files
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.jobs import endings
from apps.jobs import services as jobs
from apps.jobs.models import Algorithm, Run
from apps.jobs.services import launch, sync_bundled
from apps.projects import clock, groups, lifecycle
from apps.projects.access import enter
from apps.projects.models import Project, ProjectChange
from apps.provisioning import lifecycle as following
from apps.provisioning.plan import LIFE
from apps.provisioning.selectors import lines_of, steps_of_life
from tests.conftest import ClientOf
from tests.dicom import ct_series
from tests.racing import at_once

Status = Project.Status


@pytest.fixture
def archive(project: Project, alice: User, tmp_path: Path) -> Archive:
    """With three images."""
    made = ensure_archive(project)
    import_files(made, ct_series(tmp_path / "ct", slices=3).paths, by=alice)
    return made


@pytest.fixture
def run(archive: Archive, project: Project, bob: User) -> Run:
    """One that waits for its turn."""
    sync_bundled()
    algorithm = Algorithm.objects.get(name="threshold-segmentation")
    return launch(enter(bob, project.namespace), algorithm, archive.series.get(), arguments={})


def follow(project: Project, *, turns: int = 20) -> ProjectChange:
    """Does what sweeps do until everything that follows from the latest turn is done."""
    change = project.changes.order_by("pk").last()
    assert change is not None
    for _ in range(turns):
        endings.sweep()
        for run in Run.objects.filter(project=project):
            jobs.advance(run)
        Step.objects.filter(look_again_at__isnull=False).update(look_again_at=timezone.now())
        following.sweep()
        change.refresh_from_db()
        if change.done_at is not None:
            break
    project.refresh_from_db()
    return change


def to_deletion(project: Project, alice: User) -> None:
    lifecycle.schedule_deletion(project, typed=project.namespace, by=alice)
    follow(project)
    Project.objects.filter(pk=project.pk).update(delete_at=timezone.now() - timedelta(seconds=1))
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.DELETING


def assert_nothing_is_left(project: Project, archive: Archive, folder: Path) -> None:
    assert project.status == Status.DELETED
    assert not Archive.objects.exists()
    assert not Instance.objects.exists()
    assert not Run.objects.exists()
    assert not folder.exists()
    assert not project.memberships.exists()
    assert Entry.objects.filter(project_pk=project.pk, action="project.created").exists()
    assert Entry.objects.filter(project_pk=project.pk, action="archive.destroyed").count() == 1
    assert Entry.objects.filter(project_pk=project.pk, action="project.deleted").count() == 1


def test_a_suspension_cancels_runs_with_the_reason_and_refuses_new_ones(
    project: Project, archive: Archive, run: Run, admin: User, bob: User, client_of: ClientOf
) -> None:
    lifecycle.suspend(project, by=admin, why="Pause")
    change = follow(project)
    assert change.done_at is not None
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    cancelling = run.events().get(to_status=Run.Status.CANCELLING)
    assert (cancelling.by_pk, cancelling.why) == (admin.pk, "The project is suspended.")
    with pytest.raises(PermissionDenied, match="it is suspended"):
        launch(enter(bob, project.namespace), run.algorithm, archive.series.get(), arguments={})
    client, address = client_of(bob), f"/projects/cardiac-mr/runs/new/?series={run.series_instance_uid}"
    refused = client.post(address)
    assert refused.status_code == 403
    assert "it is suspended" in refused.content.decode()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_launch_at_once_with_a_suspension_is_refused_or_cancelled(
    project: Project, archive: Archive, admin: User, bob: User
) -> None:
    sync_bundled()
    algorithm, series = Algorithm.objects.get(name="threshold-segmentation"), archive.series.get()
    start = partial(launch, enter(bob, project.namespace), algorithm, series, arguments={})
    suspend = partial(lifecycle.suspend, project, by=admin, why="Pause")
    refused = at_once(start, suspend, start, refused=PermissionDenied)
    assert follow(project).done_at is not None
    assert Run.objects.count() == 2 - len(refused)
    assert not Run.objects.filter(status__in=Run.UNFINISHED).exists()


def test_a_suspended_project_is_read_and_takes_no_images(
    project: Project, archive: Archive, admin: User, bob: User, client_of: ClientOf
) -> None:
    lifecycle.suspend(project, by=admin, why="Pause")
    follow(project)
    client, series = client_of(bob), archive.series.get()
    page = client.get("/projects/cardiac-mr/data/")
    assert page.status_code == 200
    assert "data-upload" not in page.content.decode()
    assert client.get(f"/projects/cardiac-mr/data/series/{series.series_instance_uid}/").status_code == 200
    upload = client.post("/projects/cardiac-mr/data/upload/", {"files": SimpleUploadedFile("a.dcm", b"x")})
    assert upload.status_code == 403
    stow = client.post(
        "/projects/cardiac-mr/dicomweb/studies", b"", content_type='multipart/related; type="application/dicom"'
    )
    assert stow.status_code == 403
    assert "it is suspended" in stow.content.decode()


def test_what_is_resumed_takes_work_again(project: Project, archive: Archive, run: Run, admin: User, bob: User) -> None:
    lifecycle.suspend(project, by=admin, why="Pause")
    follow(project)
    lifecycle.resume(project, by=admin)
    assert follow(project).done_at is not None
    again = launch(enter(bob, project.namespace), run.algorithm, archive.series.get(), arguments={})
    endings.sweep()
    again.refresh_from_db()
    assert again.status == Run.Status.QUEUED


def test_a_run_that_stores_its_outputs_is_waited_for(project: Project, run: Run, admin: User) -> None:
    Run.objects.filter(pk=run.pk).update(
        status=Run.Status.COLLECTING, claimed_until=timezone.now() + timedelta(hours=1), claim_token="another"
    )
    lifecycle.suspend(project, by=admin, why="Pause")
    change = follow(project, turns=2)
    assert change.done_at is None
    (line,) = lines_of(steps_of_life(change))
    assert (line.title, line.sentence) == ("Runs ended", "Runs of the project are being ended.")
    Run.objects.filter(pk=run.pk).update(status=Run.Status.FAILED, claimed_until=None, cleaned_at=timezone.now())
    assert follow(project).done_at is not None


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


def test_the_page_follows_the_steps(project: Project, run: Run, admin: User, alice: User, client_of: ClientOf) -> None:
    lifecycle.suspend(project, by=admin, why="Pause")
    change = project.changes.get()
    address = f"/projects/cardiac-mr/settings/changes/{change.pk}/"
    assert "Runs ended" in client_of(alice).get(address).content.decode()
    following.sweep()
    page = client_of(alice).get(address).content.decode()
    assert "Runs ended" in page
    assert f"{address}steps/" in page
    assert client_of(alice).get(f"{address}steps/").status_code == 200
    follow(project)
    done = client_of(alice).get(f"{address}steps/")
    assert done.headers["HX-Refresh"] == "true"
    assert f"{address}steps/" not in client_of(alice).get(address).content.decode()


def test_a_failed_step_is_retried_by_an_owner(
    project: Project, alice: User, bob: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_deletion(project, alice)
    endings.sweep()

    def broken(change_pk: int) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(following, "ACTIONS", {**following.ACTIONS, "images": broken})
        following.sweep()
    change = project.changes.order_by("pk").last()
    assert change is not None
    assert Step.objects.get(ledger__kind=LIFE, ledger__subject_pk=change.pk, name="images").status == Step.Status.FAILED
    address = f"/projects/cardiac-mr/settings/changes/{change.pk}/retry/"
    assert client_of(bob).post(address).status_code == 404
    assert client_of(alice).post(address).status_code == 302
    follow(project)
    assert project.status == Status.DELETED
