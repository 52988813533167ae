"""Storing into an archive that is an Orthanc."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from apps.archives.intake import Arrival
from apps.archives.overview import may_do
from apps.archives.port import Published
from apps.archives.reach import reach_orthanc
from apps.archives.remote_archive import (
    ANOTHER,
    NO_SPACE,
    NOT_TAKEN,
    READ_ONLY,
    STORED_AT_ONCE,
    RemoteArchive,
    has_same,
)
from apps.archives.results import FailureReason, StoredResult
from apps.integrations.dicomweb.port import NoSpaceLeft, ObjectNotTaken, OrthancApi, StoringRefused


class OrthancArchive(RemoteArchive):
    def publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        if not may_do(self._pk, "store"):
            return [arrival.refused(FailureReason.PROCESSING_FAILURE, READ_ONLY) for arrival in arrivals]
        with (
            reach_orthanc(self._pk) as orthanc,
            ThreadPoolExecutor(STORED_AT_ONCE, thread_name_prefix="publish") as threads,
        ):
            return list(threads.map(lambda arrival: _publish(orthanc, arrival), arrivals))


def _publish(orthanc: OrthancApi, arrival: Arrival) -> Published | StoredResult:
    try:
        stored = orthanc.store(arrival.file.path)
    except ObjectNotTaken:
        return arrival.refused(FailureReason.PROCESSING_FAILURE, NOT_TAKEN)
    except StoringRefused:
        return arrival.refused(FailureReason.PROCESSING_FAILURE, READ_ONLY)
    except NoSpaceLeft:
        return arrival.refused(FailureReason.OUT_OF_RESOURCES, NO_SPACE)
    if not stored.is_new and not has_same(orthanc, stored.name, arrival):
        return arrival.refused(FailureReason.DUPLICATE_INSTANCE, ANOTHER)
    return Published(replace(arrival, remote_name=stored.name), stored.is_new)
