"""The Orthanc of a suspended project is stopped with it: nobody asks it, and whoever reads is told so plainly."""

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import services
from apps.archives.models import Archive, RemoteServer
from apps.archives.port import ArchiveUnreachable
from apps.archives.reach import reach
from apps.projects.lifecycle import resume, suspend
from apps.projects.models import Project
from tests.conftest import ClientOf


@pytest.fixture
def remote(project: Project) -> Archive:
    """At an Orthanc that would answer nowhere."""
    archive = Archive.objects.create(project=project, name="orthanc", kind=Archive.Kind.ORTHANC, is_default=True)
    RemoteServer.objects.create(archive=archive, address="http://192.0.2.1:8042", username="portal", password="p")
    return archive


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The archives whose refresh was rung for."""
    found: list[int] = []
    monkeypatch.setattr(services, "ring", lambda task, pk: found.append(pk))
    return found


def test_it_is_not_asked(remote: Archive, project: Project, admin: User) -> None:
    suspend(project, by=admin, why="Pause")
    with pytest.raises(ArchiveUnreachable, match="The project is suspended"), reach(remote.pk):
        pytest.fail("it was reached")
    assert RemoteServer.objects.get(archive=remote).unreachable_since is None


def test_no_sweep_refreshes_it_until_the_project_goes_on(
    remote: Archive, project: Project, admin: User, rung: list[int]
) -> None:
    RemoteServer.objects.update(refresh_due_at=timezone.now())
    suspend(project, by=admin, why="Pause")
    services.refresh_due()
    assert rung == []
    resume(project, by=admin)
    services.refresh_due()
    assert rung == [remote.pk]


def test_the_page_of_images_says_so(
    remote: Archive, project: Project, admin: User, vera: User, client_of: ClientOf
) -> None:
    client = client_of(vera)
    assert "Archive asleep" not in client.get("/projects/cardiac-mr/data/").content.decode()
    suspend(project, by=admin, why="Pause")
    assert "Archive asleep" in client.get("/projects/cardiac-mr/data/").content.decode()
