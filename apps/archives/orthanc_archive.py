"""Storing into an archive that is an Orthanc."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from apps.archives.intake import Arrival
from apps.archives.port import Published
from apps.archives.reach import reach_orthanc
from apps.archives.remote_archive import ANOTHER, NOT_STORED, STORED_AT_ONCE, RemoteArchive, has_same, refused_there
from apps.archives.results import FailureReason, StoredResult
from apps.integrations.dicomweb.port import OrthancApi


class OrthancArchive(RemoteArchive):
    def _publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        with (
            reach_orthanc(self._pk) as orthanc,
            ThreadPoolExecutor(STORED_AT_ONCE, thread_name_prefix="publish") as threads,
        ):
            return list(threads.map(lambda arrival: _publish(orthanc, arrival), arrivals))


def _publish(orthanc: OrthancApi, arrival: Arrival) -> Published | StoredResult:
    try:
        stored = orthanc.store(arrival.file.path)
    except NOT_STORED as error:
        return refused_there(arrival, error)
    if not stored.is_new and not has_same(orthanc, stored.name, arrival):
        return arrival.refused(FailureReason.DUPLICATE_INSTANCE, ANOTHER)
    return Published(replace(arrival, remote_name=stored.name), stored.is_new)
