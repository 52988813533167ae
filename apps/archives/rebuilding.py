"""Making the rows of an archive anew from the files of its objects, as after a repair, or with a better reader."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db.models import F, QuerySet

from apps.archives import metadata_files
from apps.archives.intake import Arrival, IncomingFile, read_all
from apps.archives.locking import index_locked
from apps.archives.models import TEXT_LENGTH, Archive, Instance, Patient, Series, Study
from apps.archives.port import ObjectUnavailable
from apps.archives.removal import count_studies
from apps.archives.results import StoredResult
from apps.archives.stores import store_of

_AT_ONCE = 50
_LIGHT = ("archive", "sop_instance_uid", "sha256", "size_bytes", "remote_name", "series")


@dataclass
class Rebuilt:
    """Of one series: its objects, how many of their rows are now otherwise, and a sentence for each left as it was."""

    objects: int = 0
    changed: int = 0
    faults: list[str] = field(default_factory=list)


def rebuild(archive: Archive) -> Iterator[Rebuilt]:
    """Reads every file anew and writes rows and metadata files by it, series by series.

    A row is as it was or as its file says, whenever this is killed. Twice is once. Raises ArchiveUnreachable.
    """
    pks = Series.objects.filter(archive=archive).order_by("pk").values_list("pk", flat=True)
    for pk in list(pks):
        rebuilt = Rebuilt()
        rows = Instance.objects.filter(series=pk).order_by("pk").select_related("series__study").only(*_LIGHT)
        remaining = iter(list(rows))
        while some := list(islice(remaining, _AT_ONCE)):
            read = list(_read(archive, some, rebuilt.faults))
            rebuilt.objects += len(some)
            rebuilt.changed += _write(archive, read)
        for series in Series.objects.select_related("study").filter(pk=pk):
            metadata_files.write(series)
        yield rebuilt


def _read(archive: Archive, instances: Sequence[Instance], faults: list[str]) -> Iterator[tuple[Instance, Arrival]]:
    """Those whose file is there as it came, and still names the same object."""
    try:
        found = _arrivals(archive, instances)
    except ObjectUnavailable as lost:
        if len(instances) > 1:
            for instance in instances:
                yield from _read(archive, [instance], faults)
        # It may have been deleted meanwhile.
        elif Instance.objects.filter(pk=instances[0].pk).exists():
            faults.append(_named(instances[0], str(lost)))
        return
    for instance, read in zip(instances, found, strict=True):
        if not isinstance(read, Arrival):
            faults.append(_named(instance, read.sentence))
        elif fault := _fault_of(instance, read):
            faults.append(_named(instance, fault))
        else:
            yield instance, read


def _arrivals(archive: Archive, instances: Sequence[Instance]) -> list[Arrival | StoredResult]:
    """Raises ObjectUnavailable when one of the files is not there."""
    store = store_of(archive)
    with ExitStack() as held:
        return read_all([IncomingFile(held.enter_context(store.fetch(instance))) for instance in instances])


def _fault_of(instance: Instance, read: Arrival) -> str:
    if read.sha256 != instance.sha256:
        return "the bytes of its file have changed since it was stored."
    series = instance.series
    known = series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid
    identity = read.identity
    if known != (identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid):
        return "its file names another study, series or object than the index."
    if len(read.columns.patient["patient_id"]) > TEXT_LENGTH:
        return f"its PatientID is longer than {TEXT_LENGTH} characters."
    return ""


def _named(instance: Instance, fault: str) -> str:
    return f"Instance {instance.pk} ({instance.sop_instance_uid}): {fault}"


def _write(archive: Archive, read: Sequence[tuple[Instance, Arrival]]) -> int:
    """How many instances it changed, what they share counted with them."""
    changed = 0
    with index_locked(archive.pk):
        for instance, arrival in read:
            # What was deleted or replaced meanwhile is left alone.
            row = Instance.objects.filter(pk=instance.pk, sha256=arrival.sha256)
            parts = [_rewrite(row, arrival.columns.instance), _write_shared(instance, arrival)]
            changed += any(parts)
        if changed:
            Series.objects.filter(pk=read[0][0].series_id).update(metadata_version=F("metadata_version") + 1)
    return changed


def _write_shared(instance: Instance, arrival: Arrival) -> bool:
    """Series and study are as the first of their objects says."""
    objects = Instance.objects.order_by("pk").values_list("pk", flat=True)
    is_changed = False
    if objects.filter(series=instance.series_id).first() == instance.pk:
        is_changed = _rewrite(Series.objects.filter(pk=instance.series_id), arrival.columns.series)
    study = instance.series.study
    if objects.filter(series__study=study).first() == instance.pk:
        is_changed |= _rewrite(Study.objects.filter(pk=study.pk), arrival.columns.study)
        is_changed |= _write_patient(study, arrival.columns.patient)
    if is_changed:
        count_studies(Study.objects.filter(pk=study.pk))
    return is_changed


def _write_patient(study: Study, columns: dict[str, Any]) -> bool:
    """A patient has the name that the first of the studies says."""
    key = ["patient_id"] if columns["patient_id"] else ["patient_id", "patient_name"]
    patients = Patient.objects.filter(archive=study.archive_id)
    patient = patients.filter(**{name: columns[name] for name in key}).first()
    if patient is None:
        patient = Patient.objects.create(archive_id=study.archive_id, **columns)
    is_moved = bool(Study.objects.filter(pk=study.pk).exclude(patient=patient).update(patient=patient))
    patients.filter(studies=None).delete()
    is_first = patient.studies.order_by("pk").values_list("pk", flat=True).first() == study.pk
    return (is_first and _rewrite(patients.filter(pk=patient.pk), columns)) or is_moved


def _rewrite(row: QuerySet[Any], columns: dict[str, Any]) -> bool:
    """Writes the columns into one row; False when it was so already, or is gone."""
    now = row.values(*columns).first()
    if now is None or {name: _plain(value) for name, value in now.items()} == columns:
        return False
    return bool(row.update(**columns))


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
