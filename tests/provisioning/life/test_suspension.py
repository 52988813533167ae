"""What follows from a suspension, on this machine: runs end, and nothing begins until the project goes on."""

from datetime import timedelta
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.core.models import Step
from apps.jobs import endings
from apps.jobs.models import Algorithm, Run
from apps.jobs.services import launch, sync_bundled
from apps.projects import lifecycle
from apps.projects.access import enter
from apps.projects.models import Project
from apps.provisioning import lifecycle as following
from apps.provisioning.plan import LIFE
from apps.provisioning.selectors import lines_of, steps_of_life
from tests.conftest import ClientOf
from tests.provisioning.life.conftest import follow, to_deletion
from tests.racing import at_once

Status = Project.Status


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
