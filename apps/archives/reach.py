"""The way to the server of a remote archive. One that is of no use costs few threads, and those not for long."""

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import cast

import structlog
from django.core.cache import cache
from django.utils import timezone

from apps.archives.models import Archive, RemoteServer
from apps.archives.port import ArchiveUnreachable
from apps.core.sealed import SecretUnreadable
from apps.integrations.dicomweb.orthanc import Orthanc
from apps.integrations.dicomweb.port import AccessRefused, DicomWebApi, ObjectServer, OrthancApi, ServerFailed
from apps.integrations.dicomweb.web import DicomWeb
from apps.integrations.kubernetes.port import Credentials
from apps.integrations.kubernetes.route import Route

log = structlog.get_logger(__name__)

PLACES = 4
"""So many threads of a process ask one server at a time."""
PLACE_SECONDS = 2.0
PAUSE_SECONDS = 15
"""So long a server is left alone after it failed."""
LONGEST_PAUSE = timedelta(minutes=10)
_NO_ANSWER = "The archive that holds the images does not answer; try again in a minute."
_CREDENTIALS = "The archive that holds the images refuses the portal; an administrator has to look at its password."
_ASLEEP = "The project is suspended, and its archive with it: images can be read again when the project goes on."
_TAKEN_OUT = "The archive that holds the images was taken out of the portal."
_BUSY = "The archive that holds the images is busy; try again in a minute."

_CLIENTS: dict[str, type[Orthanc] | type[DicomWeb]] = {
    Archive.Kind.ORTHANC: Orthanc,
    Archive.Kind.DICOMWEB: DicomWeb,
}
_places: dict[int, threading.BoundedSemaphore] = {}


@contextmanager
def reach(archive_pk: int, *, is_probe: bool = False) -> Iterator[ObjectServer]:
    """The server, for the calls of the block; its failures become ArchiveUnreachable and are written down.

    Raises ArchiveUnreachable at once while the server was found of no use a moment ago, unless this is a probe, and
    while the project is asleep.
    """
    if not is_probe and (sentence := cache.get(_key(archive_pk))):
        raise ArchiveUnreachable(sentence)
    place = _places.setdefault(archive_pk, threading.BoundedSemaphore(PLACES))
    if not place.acquire(timeout=PLACE_SECONDS):
        raise ArchiveUnreachable(_BUSY)
    try:
        yield _connected(archive_pk)
    except ServerFailed as failure:
        raise _noted(archive_pk, failure) from failure
    finally:
        place.release()


def reach_orthanc(archive_pk: int, *, is_probe: bool = False) -> AbstractContextManager[OrthancApi]:
    """As `reach`, where it is an Orthanc."""
    return cast(AbstractContextManager[OrthancApi], reach(archive_pk, is_probe=is_probe))


def reach_web(archive_pk: int, *, is_probe: bool = False) -> AbstractContextManager[DicomWebApi]:
    """As `reach`, where it is another DICOMweb server."""
    return cast(AbstractContextManager[DicomWebApi], reach(archive_pk, is_probe=is_probe))


def note_seen(archive_pk: int, *, rest: timedelta = timedelta()) -> None:
    """After the server answered; its index is compared with it again after `rest`."""
    now = timezone.now()
    RemoteServer.objects.filter(archive=archive_pk).update(
        last_seen_at=now, unreachable_since=None, complaint="", refresh_due_at=now + rest
    )
    forget_failure(archive_pk)


def forget_failure(archive_pk: int) -> None:
    """The server is asked again at once."""
    cache.delete(_key(archive_pk))


def gateway_text(gateway: Credentials | None) -> str:
    """As the row of a server keeps it."""
    return json.dumps(asdict(gateway)) if gateway else ""


def route_to(server: RemoteServer) -> Route:
    gateway = Credentials(**json.loads(server.gateway)) if server.gateway else None
    return Route(server.address, gateway, is_entered=server.is_entered)


def _connected(archive_pk: int) -> ObjectServer:
    try:
        server = RemoteServer.objects.select_related("archive__project").get(archive=archive_pk)
    except SecretUnreadable as error:
        raise AccessRefused(str(error)) from error
    except RemoteServer.DoesNotExist as error:
        raise ArchiveUnreachable(_TAKEN_OUT) from error
    if server.archive.project.is_asleep:
        raise ArchiveUnreachable(_ASLEEP)
    return _CLIENTS[server.archive.kind](route_to(server), server.username, server.password)


def _noted(archive_pk: int, failure: ServerFailed) -> ArchiveUnreachable:
    """Written down for the pages; asked again ever later, so that the dead take no time from the living."""
    unreachable = ArchiveUnreachable(_CREDENTIALS if isinstance(failure, AccessRefused) else _NO_ANSWER)
    cache.set(_key(archive_pk), str(unreachable), PAUSE_SECONDS)
    now = timezone.now()
    servers = RemoteServer.objects.filter(archive=archive_pk)
    servers.filter(unreachable_since=None).update(unreachable_since=now)
    since = servers.values_list("unreachable_since", flat=True).first() or now
    servers.update(complaint=str(failure)[:255], refresh_due_at=now + min(now - since, LONGEST_PAUSE))
    log.warning("archive is unreachable", archive=archive_pk, complaint=str(failure))
    return unreachable


def _key(archive_pk: int) -> str:
    return f"archives.unreachable.{archive_pk}"
