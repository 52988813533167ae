"""What devices may do with the projects that they call: each by its AE title, from its address."""

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from django.db import close_old_connections
from django.db.models import QuerySet

from apps.archives.dimse import retrieving
from apps.archives.dimse.comparing import has_same_data_set
from apps.archives.dimse.gathering import Gathering
from apps.archives.intake import IncomingFile
from apps.archives.models import Archive, DicomDevice
from apps.archives.port import ArchiveUnreachable
from apps.archives.results import FailureReason, StoredResult
from apps.archives.storing import receiving_folder, store_files
from apps.integrations.dimse.port import (
    NOT_AUTHORISED,
    OUT_OF_RESOURCES,
    Answer,
    Caller,
    Found,
    Question,
    Received,
    Refusal,
    StationRefuses,
    Stored,
)

# In English as all of DICOM, and within 64 characters.
_NOT_LISTED = "This device is no longer listed."
_NO_READER = "This device may send, and not search or fetch."
_ASLEEP = "The project is at rest now."
_UNREACHABLE = "The archive is out of reach for now."


class Station:
    """See `apps.integrations.dimse.port.Station`."""

    def __init__(self) -> None:
        self._storing = Gathering(_store)

    def expects(self, address: str) -> bool:
        close_old_connections()
        return DicomDevice.objects.filter(address=address).exists()

    def admit(self, caller: Caller) -> Refusal | None:
        close_old_connections()
        listed = _listed(caller)
        if not listed.exists():
            # Which projects there are is nothing for who has no part in any.
            return Refusal.CALLING_TITLE_UNKNOWN
        device = _called(listed, caller)
        if device is None:
            return Refusal.CALLED_TITLE_UNKNOWN
        return None if device.project.takes_work else Refusal.NOT_NOW

    def store(self, caller: Caller, received: Received) -> Answer:
        close_old_connections()
        try:
            return self._storing.do((_archive(_device(caller)), caller), received)
        except StationRefuses as refusal:
            return refusal.answer
        except ArchiveUnreachable:
            return Answer(OUT_OF_RESOURCES, _UNREACHABLE)

    def find(self, caller: Caller, question: Question, *, offset: int) -> Found:
        close_old_connections()
        return retrieving.find(_archive(_reader(caller)), question, offset=offset, device=_origin(caller))

    def select(self, caller: Caller, question: Question) -> list[Stored]:
        close_old_connections()
        return retrieving.select(_archive(_reader(caller)), question, device=_origin(caller))

    def fetch(self, stored: Stored, transfer_syntax_uid: str) -> AbstractContextManager[Path]:
        return retrieving.fetch(stored, transfer_syntax_uid)


def _device(caller: Caller) -> DicomDevice:
    """As it is listed now. Raises StationRefuses."""
    device = _called(_listed(caller), caller)
    if device is None:
        raise StationRefuses(NOT_AUTHORISED, _NOT_LISTED)
    return device


def _reader(caller: Caller) -> DicomDevice:
    """Raises StationRefuses."""
    device = _device(caller)
    if not device.may_retrieve:
        raise StationRefuses(NOT_AUTHORISED, _NO_READER)
    return device


def _archive(device: DicomDevice) -> Archive:
    """Raises StationRefuses."""
    if not device.project.takes_work:
        raise StationRefuses(NOT_AUTHORISED, _ASLEEP)
    return Archive.objects.get(project=device.project_id, is_default=True)


def _listed(caller: Caller) -> QuerySet[DicomDevice]:
    """In all projects."""
    return DicomDevice.objects.filter(ae_title__iexact=caller.calling_ae_title, address=caller.address)


def _called(listed: QuerySet[DicomDevice], caller: Caller) -> DicomDevice | None:
    """As the project that is called has listed it."""
    called = listed.filter(project__application_entity__ae_title__iexact=caller.called_ae_title)
    return called.select_related("project").first()


def _origin(caller: Caller) -> dict[str, str]:
    """The device in the place of a person, for the audit."""
    return {"origin": "DicomProtocol", "calling_ae_title": caller.calling_ae_title, "remote_ip": caller.address}


def _store(whose: tuple[Archive, Caller], received: Sequence[Received]) -> list[Answer]:
    """Into the archive and the index, as an upload."""
    archive, caller = whose
    with receiving_folder(archive) as folder:
        files = [_taken(one, folder / f"{number}.dcm") for number, one in enumerate(received)]
        results = store_files(archive, files, by=None, device=_origin(caller))
        stored = zip(received, files, results, strict=True)
        return [_answer(archive, one, file.path, result) for one, file, result in stored]


def _taken(received: Received, path: Path) -> IncomingFile:
    return IncomingFile(Path(shutil.move(received.path, path)), sop_instance_uid=received.sop_instance_uid)


def _answer(archive: Archive, received: Received, path: Path, result: StoredResult) -> Answer:
    if result.failure_reason is None or _is_there(archive, received, path, result):
        return Answer()
    return Answer(int(result.failure_reason), result.sentence)


def _is_there(archive: Archive, received: Received, path: Path, refused: StoredResult) -> bool:
    """Whether the object has come by another way before, which gave it another header."""
    if refused.failure_reason is not FailureReason.DUPLICATE_INSTANCE:
        return False
    names = {"sop_instance_uid": received.sop_instance_uid, "transfer_syntax_uid": received.transfer_syntax_uid}
    return has_same_data_set(archive, path, **names)
