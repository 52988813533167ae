"""The sides of an archive, for tests that must hold on all: the built-in store, an Orthanc, another DICOMweb server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings

from apps.archives import registering
from apps.archives.models import Archive, Instance
from apps.archives.registering import Place
from apps.archives.services import ensure_archive, ensure_remote_archive
from apps.integrations.dicomweb.orthanc import Orthanc
from apps.integrations.dicomweb.web import DicomWeb
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.dicom_files import path_of
from tests.integrations import dicomweb_server
from tests.integrations.dicomweb_server import running_dicomweb
from tests.integrations.orthanc import PASSWORD, USERNAME, running_twin


class Side(Protocol):
    """An empty archive, and what only its administrator can do."""

    archive: Archive

    def lose(self, instance: Instance) -> None:
        """Its bytes are gone."""

    def count(self) -> int:
        """How many objects are there, whether or not the index knows them."""


@dataclass
class BuiltIn:
    archive: Archive

    def lose(self, instance: Instance) -> None:
        path_of(instance).unlink()

    def count(self) -> int:
        return len(list(_root(self.archive).rglob("*.dcm")))


@dataclass
class Remote:
    archive: Archive
    api: Orthanc

    def lose(self, instance: Instance) -> None:
        self.api.delete(instance.remote_name)

    def count(self) -> int:
        return self.api.count()


@contextmanager
def built_in(project: Project) -> Iterator[BuiltIn]:
    yield BuiltIn(ensure_archive(project))


@contextmanager
def remote_at(project: Project, address: str, username: str, password: str) -> Iterator[Remote]:
    """An archive at an Orthanc that is empty, and empty again afterwards."""
    archive = ensure_remote_archive(project, route=Route(address), username=username, password=password)
    side = Remote(archive, Orthanc(Route(address), username, password))
    try:
        yield side
    finally:
        for orthanc_id in list(side.api.orthanc_ids()):
            side.api.delete(orthanc_id)


@dataclass
class Web:
    archive: Archive
    api: DicomWeb
    remove: Callable[[str], None]

    def lose(self, instance: Instance) -> None:
        self.remove(instance.remote_name)

    def count(self) -> int:
        return len(self.names())

    def names(self) -> list[str]:
        return [name for study in self.api.studies(0) for name in self.api.instances(study.study_instance_uid)]


@contextmanager
def web_at(
    project: Project, address: str, username: str, password: str, *, remove: Callable[[str], None]
) -> Iterator[Web]:
    """The default archive, at a DICOMweb server that is empty, and empty again afterwards.

    `remove` takes an object from it, as its administrator does.
    """
    alice = project.memberships.get(role="owner").user
    ensure_archive(project)
    place = Place(address, username, password)
    archive = registering.add(project, name="hospital", kind=Archive.Kind.DICOMWEB, place=place, by=alice)
    registering.make_default(archive, by=alice)
    archive.refresh_from_db()
    side = Web(archive, DicomWeb(Route(address), username, password), remove)
    try:
        yield side
    finally:
        for name in side.names():
            side.remove(name)


@contextmanager
def at_web_twin(project: Project) -> Iterator[Web]:
    with running_dicomweb() as twin:
        credentials = dicomweb_server.USERNAME, dicomweb_server.PASSWORD
        with web_at(project, twin.url, *credentials, remove=twin.remove) as side:
            yield side


@contextmanager
def at_twin(project: Project) -> Iterator[Remote]:
    with running_twin() as twin, remote_at(project, twin.url, USERNAME, PASSWORD) as side:
        yield side


def _root(archive: Archive) -> Path:
    root: Path = settings.ARCHIVES_DIR / str(archive.pk)
    return root
