"""Taking objects into the index that are at a server already, each read by the limited children like any upload."""

import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import structlog
from django.conf import settings

from apps.accounts.models import User
from apps.archives import deposits, index
from apps.archives.intake import Arrival, IncomingFile, read_all
from apps.archives.models import Archive, Instance, SkippedObject
from apps.archives.results import FailureReason, StoredResult
from apps.archives.static.identity import Identity
from apps.archives.static.pool import PoolBusy
from apps.archives.stores import store_of
from apps.integrations.dicomweb.port import NoSuchObject, ObjectServer, ObjectTooLong, Origin

log = structlog.get_logger(__name__)

BATCH_FILES, BATCH_BYTES = 50, 1024**3
_TOO_LARGE = "The object is larger than the portal takes."
_TWICE = "The index has this object under another name of the server's."


def receive(archive: Archive, server: ObjectServer, names: Sequence[str], *, own_username: str) -> Iterator[None]:
    """Takes objects by the server's names for them, batch by batch; yields after each. Twice is once.

    What the index cannot take is written down with its reason. Raises PoolBusy, OSError, and what `server` raises.
    """
    remaining = deque(names)
    while remaining:
        with _folder(archive) as folder:
            _index(archive, server, _downloaded(archive, server, remaining, folder), own_username)
        yield


def read_again(archive: Archive, server: ObjectServer, instance: Instance) -> Arrival | None:
    """What the server has under the name of an instance now; None when that is not the same object at all."""
    with _folder(archive) as folder:
        for file in _downloaded(archive, server, deque([instance.remote_name]), folder):
            (read,) = read_all([file])
            if isinstance(read, Arrival) and read.identity == _identity(instance):
                return replace(read, remote_name=instance.remote_name)
    return None


@contextmanager
def _folder(archive: Archive) -> Iterator[Path]:
    folder = store_of(archive).new_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _downloaded(archive: Archive, server: ObjectServer, names: deque[str], folder: Path) -> list[IncomingFile]:
    """Takes names until their files are a batch; a file is named as the server names it."""
    files: list[IncomingFile] = []
    size_bytes = 0
    while names and len(files) < BATCH_FILES and size_bytes < BATCH_BYTES:
        name = names.popleft()
        path = folder / name.replace("/", "-")
        try:
            with path.open("wb") as file:
                size_bytes += server.download(name, file, most_bytes=settings.UPLOAD_MAX_BYTES).size_bytes
        except NoSuchObject:
            continue
        except ObjectTooLong:
            _skip(archive, name, _TOO_LARGE)
            continue
        files.append(IncomingFile(path, name))
    return files


def _index(archive: Archive, server: ObjectServer, files: Sequence[IncomingFile], own_username: str) -> None:
    read = read_all(files)
    for result in read:
        if isinstance(result, StoredResult):
            _skip_refused(archive, result)
    arrivals = [replace(one, remote_name=one.file.name) for one in read if isinstance(one, Arrival)]
    for origin, group in _by_origin(server, arrivals).items():
        if origin.username == own_username:
            _index_own(archive, group)
        else:
            _add(archive, group, by=None, event=index.ARRIVED, **_detail(origin))
    _skip_doubles(archive, arrivals)


def _index_own(archive: Archive, arrivals: Sequence[Arrival]) -> None:
    """What the portal itself has stored is of the person who announced it, if anybody did."""
    depositors = deposits.depositors(archive, arrivals)
    by_person: dict[User | None, list[Arrival]] = {}
    for arrival in arrivals:
        by_person.setdefault(depositors.get(arrival.sha256), []).append(arrival)
    for person, group in by_person.items():
        _add(archive, group, by=person, event=index.STORED if person else index.INDEXED)
    deposits.forget(archive, arrivals)


def _add(archive: Archive, arrivals: Sequence[Arrival], *, by: User | None, event: str, **detail: str) -> None:
    for result in index.add(archive, arrivals, by=by, event=event, **detail):
        _skip_refused(archive, result)


def _by_origin(server: ObjectServer, arrivals: Sequence[Arrival]) -> dict[Origin, list[Arrival]]:
    found: dict[Origin, list[Arrival]] = {}
    for arrival in arrivals:
        with suppress(NoSuchObject):
            found.setdefault(server.origin(arrival.remote_name), []).append(arrival)
    return found


def _detail(origin: Origin) -> dict[str, str]:
    known = {"origin": origin.kind, "calling_ae_title": origin.calling_ae_title, "remote_ip": origin.remote_ip}
    return {name: value for name, value in known.items() if value}


def _skip_refused(archive: Archive, result: StoredResult) -> None:
    if result.failure_reason is FailureReason.OUT_OF_RESOURCES:
        raise PoolBusy
    if result.is_refused:
        _skip(archive, result.name, result.sentence)


def _skip_doubles(archive: Archive, arrivals: Sequence[Arrival]) -> None:
    """An Orthanc tells objects apart by the patient too, and so may have one twice."""
    names = [arrival.remote_name for arrival in arrivals]
    indexed = Instance.objects.filter(archive=archive, remote_name__in=names).values_list("remote_name", flat=True)
    skipped = SkippedObject.objects.filter(archive=archive, remote_name__in=names).values_list("remote_name", flat=True)
    for name in set(names) - {*indexed, *skipped}:
        _skip(archive, name, _TWICE)


def _skip(archive: Archive, name: str, sentence: str) -> None:
    skipped, _ = SkippedObject.objects.update_or_create(
        archive=archive, remote_name=name, defaults={"sentence": sentence}
    )
    log.warning("object of a remote archive is not indexed", archive=archive.pk, object=skipped.pk)


def _identity(instance: Instance) -> Identity:
    series = instance.series
    return Identity(
        series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid, instance.sop_class_uid
    )
