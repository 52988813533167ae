"""What devices find and fetch (PS3.4 C), from the index."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from django.core.cache import cache
from django.db import close_old_connections, transaction
from django.http import QueryDict
from django.utils import timezone

from apps.archives.dicomweb.query import SEARCHABLE, Level, QueryInvalid, parse
from apps.archives.dicomweb.search import Scope, search
from apps.archives.models import Archive, Instance, Study
from apps.archives.port import ArchiveUnreachable, ObjectUnavailable
from apps.archives.selectors import ORDER, uids_of
from apps.archives.static.pool import PoolBusy, default_pool
from apps.archives.static.refusals import FileRefused
from apps.archives.stores import store_of
from apps.archives.storing import receiving_folder
from apps.audit.services import record
from apps.integrations.dimse.port import (
    DOES_NOT_MATCH,
    OUT_OF_RESOURCES,
    Found,
    NotFetched,
    Question,
    StationRefuses,
    Stored,
)

_LEVELS = {"STUDY": Level.STUDY, "SERIES": Level.SERIES, "IMAGE": Level.INSTANCE}
_UNIQUE_KEYS = {
    "0020000D": "series__study__study_instance_uid",
    "0020000E": "series__series_instance_uid",
    "00080018": "sop_instance_uid",
}
_STORED = ("pk", "sop_class_uid", "sop_instance_uid", "transfer_syntax_uid")
# Numbers of sub-operations are US.
_MOST_OBJECTS = 65535
_NO_STUDY = "Name what is to be sent by its UIDs, the study first."
_TOO_MANY = "These are too many objects for one request."


def find(archive: Archive, question: Question, *, offset: int, device: dict[str, str]) -> Found:
    """As a search by QIDO-RS; keys that this archive does not match are returned alone. Raises StationRefuses.

    Audited once an hour and device, and for each study of which it says more than lists do.
    """
    level = _LEVELS[question.level]
    asked = QueryDict(mutable=True)
    asked.update({tag: value for tag, value in question.keys.items() if value and tag in SEARCHABLE[level]})
    asked["includefield"] = ",".join(question.keys)
    asked["offset"] = str(offset)
    try:
        found = search(level, Scope(archive), parse(level, asked), root="")
    except QueryInvalid as error:
        raise StationRefuses(DOES_NOT_MATCH, str(error)) from error
    _note("images.searched", archive, archive, device)
    for study in found.opened:
        _note("images.viewed", archive, study, device, **uids_of(study))
    return Found([json.loads(text) for text in found.objects], is_last=not found.is_cut)


def select(archive: Archive, question: Question, *, device: dict[str, str]) -> list[Stored]:
    """What the unique keys name. Audited by study, as taken away by the device. Raises StationRefuses."""
    if not question.keys.get("0020000D"):
        raise StationRefuses(DOES_NOT_MATCH, _NO_STUDY)
    named = {name: question.keys.get(tag, "") for tag, name in _UNIQUE_KEYS.items()}
    wanted = {f"{name}__in": uids.split("\\") for name, uids in named.items() if uids}
    instances = Instance.objects.filter(archive=archive, **wanted).order_by("series_id", *ORDER)
    found = list(instances.values_list(*_STORED, "series__study_id")[: _MOST_OBJECTS + 1])
    if len(found) > _MOST_OBJECTS:
        raise StationRefuses(OUT_OF_RESOURCES, _TOO_MANY)
    counts = Counter(study for *_, study in found)
    with transaction.atomic():
        for study in Study.objects.filter(pk__in=counts):
            taken = {"instances": counts[study.pk], **uids_of(study), **device}
            record("images.exported", actor=None, project=archive.project_id, subject=study, **taken)
    return [Stored(*stored) for *stored, _ in found]


@contextmanager
def fetch(stored: Stored, transfer_syntax_uid: str) -> Iterator[Path]:
    """See `Station.fetch`. Raises NotFetched."""
    close_old_connections()
    found = Instance.objects.select_related("archive", "series__study").defer("metadata", "attributes", "frames")
    with ExitStack() as held:
        try:
            instance = found.get(pk=stored.key)
            path = held.enter_context(store_of(instance.archive).fetch(instance))
            if transfer_syntax_uid != instance.transfer_syntax_uid:
                path = _rewritten(path, transfer_syntax_uid, held.enter_context(receiving_folder(instance.archive)))
        except (Instance.DoesNotExist, ObjectUnavailable, ArchiveUnreachable, FileRefused, PoolBusy) as error:
            raise NotFetched from error
        yield path


def _note(event: str, archive: Archive, subject: Archive | Study, device: dict[str, str], **detail: str) -> None:
    who = quote(f"{device['calling_ae_title']} {device['remote_ip']}")
    key = f"archives.device.{event}.{subject.pk}.{who}.{timezone.now():%Y%m%d%H}"
    if not cache.get(key):
        record(event, actor=None, project=archive.project_id, subject=subject, **detail, **device)
        cache.set(key, True, 3600)


def _rewritten(path: Path, transfer_syntax_uid: str, folder: Path) -> Path:
    reply = default_pool().call("rewrite", path=str(path), transfer_syntax_uid=transfer_syntax_uid)
    written = folder / "rewritten.dcm"
    written.write_bytes(reply.body)
    return written
