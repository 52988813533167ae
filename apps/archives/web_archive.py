"""Storing into an archive that is a DICOMweb server, which may make of an object what it wants.

It is asked whether it has the object, and afterwards what it has made of it: that is what the index says.
"""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from apps.archives import index
from apps.archives.intake import Arrival, read_all
from apps.archives.models import Archive
from apps.archives.port import Published
from apps.archives.reach import reach_web
from apps.archives.remote_archive import (
    ANOTHER,
    NOT_STORED,
    NOT_TAKEN,
    STORED_AT_ONCE,
    RemoteArchive,
    has_same,
    is_whole,
    refused_there,
)
from apps.archives.results import FailureReason, StoredResult
from apps.integrations.dicomweb.port import DicomWebApi, NoSuchObject, ObjectTooLong


class WebArchive(RemoteArchive):
    def _publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        # Few servers would give back what the index then refuses.
        foreseen = index.foresee(Archive.objects.get(pk=self._pk), arrivals)
        taken = [one for one, result in zip(arrivals, foreseen, strict=True) if not result.is_refused]
        published = iter(self._published(taken))
        return [result if result.is_refused else next(published) for result in foreseen]

    def _published(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        folder = self.new_folder()
        try:
            with (
                reach_web(self._pk) as web,
                ThreadPoolExecutor(STORED_AT_ONCE, thread_name_prefix="publish") as threads,
            ):
                return list(threads.map(lambda arrival: _publish(web, arrival, folder), arrivals))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _publish(web: DicomWebApi, arrival: Arrival, folder: Path) -> Published | StoredResult:
    named = replace(arrival, remote_name=arrival.identity.address)
    if web.has(named.remote_name):
        if has_same(web, named.remote_name, arrival):
            return Published(named, is_new=False)
        return arrival.refused(FailureReason.DUPLICATE_INSTANCE, ANOTHER)
    try:
        web.store(arrival.file.path)
    except NOT_STORED as error:
        return refused_there(arrival, error)
    return _as_it_is_there(web, named, folder)


def _as_it_is_there(web: DicomWebApi, arrival: Arrival, folder: Path) -> Published | StoredResult:
    path = folder / arrival.identity.sop_instance_uid
    try:
        with path.open("wb") as file:
            there = web.download(arrival.remote_name, file, most_bytes=settings.UPLOAD_MAX_BYTES)
        if is_whole(there, arrival):
            return Published(arrival, is_new=True)
        (read,) = read_all([replace(arrival.file, path=path)])
    except NoSuchObject:
        # It takes its time; what it then has is compared when somebody reads it.
        return Published(arrival, is_new=True)
    except ObjectTooLong:
        return arrival.refused(FailureReason.PROCESSING_FAILURE, NOT_TAKEN)
    finally:
        path.unlink(missing_ok=True)
    if not isinstance(read, Arrival) or read.identity != arrival.identity:
        return arrival.refused(FailureReason.PROCESSING_FAILURE, NOT_TAKEN)
    return Published(replace(read, file=arrival.file, remote_name=arrival.remote_name), is_new=True)
