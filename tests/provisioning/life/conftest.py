"""A project with images and a run, whose life takes a turn."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.archives.services import ensure_archive
from apps.audit.models import Entry
from apps.core.models import Step
from apps.datasets.uploads.services import import_files
from apps.jobs import endings
from apps.jobs import services as jobs
from apps.jobs.models import Algorithm, Run
from apps.jobs.services import launch, sync_bundled
from apps.projects import clock, lifecycle
from apps.projects.access import enter
from apps.projects.models import Project, ProjectChange
from apps.provisioning import lifecycle as following
from tests.dicom import ct_series

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
