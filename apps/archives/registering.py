"""Archives that people add to a project: a store of the portal's own, an Orthanc, another DICOMweb server."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import NAME_OF_ARCHIVE_LENGTH, Archive, RemoteServer
from apps.archives.reach import forget_failure, note_seen, reach
from apps.archives.services import DEFAULT_NAME
from apps.audit.services import record
from apps.core.doorbell import ring
from apps.integrations import outbound
from apps.projects.models import Project

PROBED_EVERY = timedelta(days=1)
OWN = "The portal itself sets up this archive."


class NameTaken(Exception):
    """Another archive of the project has this name."""

    def __init__(self) -> None:
        super().__init__("Another archive of the project has this name: choose another.")


class AddressRefused(Exception):
    """What was given is no address of a server; the message says why."""


class StaysInPortal(Exception):
    """The archive cannot be taken out, or changed, by hand; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where a server is, and how the portal signs in: by user name and password, by a token alone, or not at all."""

    address: str
    username: str = ""
    password: str | None = ""
    """None: as it was."""


def check_address(address: str) -> None:
    """Raises AddressRefused for what is no HTTP root; where it leads is checked with each connection."""
    try:
        outbound.check_url(address)
    except outbound.AddressRefused as refusal:
        raise AddressRefused(str(refusal)) from refusal


def add(project: Project, *, name: str, kind: Archive.Kind, place: Place | None, by: User) -> Archive:
    """A new archive beside those of the project; without a place it is the portal's own. Raises NameTaken."""
    try:
        with transaction.atomic():
            archive = Archive.objects.create(project=project, name=name, kind=kind)
            if place is not None:
                RemoteServer.objects.create(archive=archive, is_entered=True, **_columns(place))
            record("archive.added", actor=by.pk, project=project.pk, subject=archive, kind=kind)
            _look(archive)
    except IntegrityError as error:
        raise NameTaken from error
    return archive


def change(archive: Archive, place: Place, *, by: User) -> None:
    """Another place, or other credentials, of an archive that a person has added. Raises StaysInPortal."""
    with transaction.atomic():
        servers = RemoteServer.objects.select_for_update().filter(archive=archive, is_entered=True)
        known = servers.values_list("address", flat=True).first()
        if known is None:
            raise StaysInPortal(OWN)
        servers.update(**_columns(place), **({} if known == _root(place.address) else _UNSEEN))
        record("archive.changed", actor=by.pk, project=archive.project_id, subject=archive)
        _look(archive)


def make_default(archive: Archive, *, by: User) -> None:
    """What arrives for the project goes there from now on; nothing happens to one that was taken out. Twice is once."""
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=archive.project_id)
        # Locked, so that it is not taken out meanwhile.
        found = Archive.objects.select_for_update(no_key=True).filter(pk=archive.pk, removed_at=None).first()
        if found is not None and not found.is_default:
            Archive.objects.filter(project=archive.project_id, is_default=True).update(is_default=False)
            Archive.objects.filter(pk=archive.pk).update(is_default=True)
            record("archive.made_default", actor=by.pk, project=archive.project_id, subject=archive)


def take_out(archive: Archive, *, by: User) -> None:
    """Forgets an archive: its credentials at once, its index soon. Its server keeps all images. Twice is once.

    A store of the portal's own goes when it is empty.

    Raises StaysInPortal.
    """
    with transaction.atomic():
        found = Archive.objects.select_for_update(no_key=True).get(pk=archive.pk)
        if found.removed_at is not None:
            return
        if found.is_default:
            raise StaysInPortal("This is the default archive: make another one the default first.")
        is_added = RemoteServer.objects.filter(archive=archive, is_entered=True).exists()
        if found.name == DEFAULT_NAME or (found.is_remote and not is_added):
            raise StaysInPortal(OWN)
        if not found.is_remote and found.studies.exists():
            raise StaysInPortal("The portal itself keeps these images: delete them first.")
        RemoteServer.objects.filter(archive=archive).delete()
        found.removed_at = timezone.now()
        # Its name is free for another.
        found.name = f"{found.name[: NAME_OF_ARCHIVE_LENGTH - 21]}~{found.pk}"
        found.save(update_fields=["removed_at", "name"])
        record("archive.taken_out", actor=by.pk, project=archive.project_id, subject=archive)
        ring("archives.sweep")


def ask_look(archive: Archive, *, by: User) -> None:
    """Has its server looked at, and its index compared, at once."""
    with transaction.atomic():
        RemoteServer.objects.filter(archive=archive).update(probed_at=None)
        record("archive.looked_at", actor=by.pk, project=archive.project_id, subject=archive)
        _look(archive)


def probe_due(archive: Archive) -> None:
    """Finds out what the archive's server can do, if that was not done today. Raises ArchiveUnreachable."""
    servers = RemoteServer.objects.filter(archive=archive)
    if servers.exclude(probed_at__gt=timezone.now() - PROBED_EVERY).exists():
        with reach(archive.pk, is_probe=True) as server:
            found = server.capabilities()
        servers.update(capabilities=found, probed_at=timezone.now())
        note_seen(archive.pk)


_UNSEEN: dict[str, Any] = {
    "capabilities": {},
    "probed_at": None,
    "change_seq": None,
    "change_mark": "",
    "pass_started_at": None,
    "pass_offset": 0,
    "last_seen_at": None,
    "unreachable_since": None,
    "complaint": "",
}


def _columns(place: Place) -> dict[str, str]:
    kept = {} if place.password is None else {"password": place.password}
    return {"address": _root(place.address), "username": place.username, **kept}


def _root(address: str) -> str:
    return address.rstrip("/")


def _look(archive: Archive) -> None:
    RemoteServer.objects.filter(archive=archive).update(refresh_due_at=timezone.now())
    forget_failure(archive.pk)
    ring("archives.refresh_one", archive.pk)
