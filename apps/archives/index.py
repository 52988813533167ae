"""Writing what arrived into the index: one short transaction a batch, one writer at a time in an archive."""

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import metadata_files
from apps.archives.intake import Arrival
from apps.archives.locking import index_locked
from apps.archives.models import TEXT_LENGTH, Archive, Instance, Patient, Series, Study
from apps.archives.results import FailureReason, Outcome, StoredResult
from apps.archives.selectors import uids_of
from apps.audit.services import record

PatientKey = tuple[str, str]


TAKEN_OUT = "The archive was taken out of the portal."
STORED, ARRIVED, INDEXED = "images.stored", "images.arrived", "images.indexed"


def add(
    archive: Archive, arrivals: Sequence[Arrival], *, by: User | None, event: str = STORED, **detail: str
) -> list[StoredResult]:
    """Writes rows for the arrivals, whose files are in place, and says for each what became of it.

    Two writers of one series, study or patient lose nothing: they wait for each other. An object that is there
    already with the same content is success. Audited, with `detail`, once for each study that grew.
    """
    if not arrivals:
        return []
    with index_locked(archive.pk) as locked:
        if locked.removed_at is not None:
            return [arrival.refused(FailureReason.PROCESSING_FAILURE, TAKEN_OUT) for arrival in arrivals]
        batch = _Batch(archive, arrivals)
        results = [batch.place(arrival) for arrival in arrivals]
        batch.save()
        for study, instances in batch.grown_studies():
            actor = by.pk if by else None
            told = {"instances": instances, **uids_of(study), **detail}
            record(event, actor=actor, project=archive.project_id, subject=study, **told)
        for series in batch.grown_series():
            metadata_files.ring_when_due(series)
    return results


def foresee(archive: Archive, arrivals: Sequence[Arrival]) -> list[StoredResult]:
    """What `add` would say of each by now; writes nothing."""
    batch = _Batch(archive, arrivals)
    return [batch.place(arrival) for arrival in arrivals]


class _Batch:
    """The rows that arrivals touch: those that are there, and those that `place` adds and `save` writes."""

    def __init__(self, archive: Archive, arrivals: Sequence[Arrival]) -> None:
        self._archive = archive
        identities = [arrival.identity for arrival in arrivals]
        studies = Study.objects.select_related("patient").filter(
            archive=archive, study_instance_uid__in={identity.study_instance_uid for identity in identities}
        )
        self._studies = {study.study_instance_uid: study for study in studies}
        newcomers = [one for one in arrivals if one.identity.study_instance_uid not in self._studies]
        self._patients = _known_patients(archive, newcomers)
        series = Series.objects.select_related("study").filter(
            archive=archive, series_instance_uid__in={identity.series_instance_uid for identity in identities}
        )
        self._series = {one.series_instance_uid: one for one in series}
        instances = Instance.objects.filter(
            archive=archive, sop_instance_uid__in={identity.sop_instance_uid for identity in identities}
        )
        self._hashes = dict(instances.values_list("sop_instance_uid", "sha256"))
        self._new_instances: list[Instance] = []
        self._instances_by_study: Counter[str] = Counter()

    def place(self, arrival: Arrival) -> StoredResult:
        known_hash = self._hashes.get(arrival.identity.sop_instance_uid)
        if known_hash == arrival.sha256:
            return arrival.result(Outcome.PRESENT)
        if known_hash is not None:
            sentence = "The archive holds another object with this SOPInstanceUID; that one stays as it is."
            return arrival.refused(FailureReason.DUPLICATE_INSTANCE, sentence)
        conflict = self._conflict(arrival)
        if conflict:
            return arrival.refused(FailureReason.DOES_NOT_MATCH, conflict)
        self._add(arrival)
        return arrival.result(Outcome.STORED)

    def grown_studies(self) -> list[tuple[Study, int]]:
        """Studies with new instances, and how many."""
        return [(self._studies[uid], count) for uid, count in self._instances_by_study.items()]

    def grown_series(self) -> list[Series]:
        return list({id(one.series): one.series for one in self._new_instances}.values())

    def save(self) -> None:
        studies, series = [study for study, _ in self.grown_studies()], self.grown_series()
        Patient.objects.bulk_create(patient for patient in self._patients.values() if patient.pk is None)
        _save(studies, ["series_count", "instance_count", "size_bytes", "modalities", "updated_at"])
        _save(series, ["instance_count", "size_bytes", "metadata_version"])
        Instance.objects.bulk_create(self._new_instances)

    def _conflict(self, arrival: Arrival) -> str:
        patient = arrival.columns.patient
        if len(patient["patient_id"]) > TEXT_LENGTH:
            return f"The PatientID is longer than {TEXT_LENGTH} characters."
        study = self._studies.get(arrival.identity.study_instance_uid)
        if study and _key(study.patient.patient_id, study.patient.patient_name) != _key(**patient):
            return "The archive holds this study of another patient: another PatientID, or another name without one."
        series = self._series.get(arrival.identity.series_instance_uid)
        if series and series.study.study_instance_uid != arrival.identity.study_instance_uid:
            return "The archive holds a series with this SeriesInstanceUID in another study."
        return ""

    def _add(self, arrival: Arrival) -> None:
        study = self._study_for(arrival)
        series = self._series_for(arrival, study)
        for row in (study, series):
            row.instance_count += 1
            row.size_bytes += arrival.size_bytes
        study.updated_at = timezone.now()
        series.metadata_version += 1
        stored = {name: getattr(arrival, name) for name in ("sha256", "size_bytes", "remote_name")}
        self._new_instances.append(Instance(archive=self._archive, series=series, **arrival.columns.instance, **stored))
        self._hashes[arrival.identity.sop_instance_uid] = arrival.sha256
        self._instances_by_study[study.study_instance_uid] += 1

    def _study_for(self, arrival: Arrival) -> Study:
        study = self._studies.get(arrival.identity.study_instance_uid)
        if study is None:
            study = Study(archive=self._archive, patient=self._patient_for(arrival), **arrival.columns.study)
            self._studies[study.study_instance_uid] = study
        return study

    def _patient_for(self, arrival: Arrival) -> Patient:
        columns = arrival.columns.patient
        return self._patients.setdefault(_key(**columns), Patient(archive=self._archive, **columns))

    def _series_for(self, arrival: Arrival, study: Study) -> Series:
        series = self._series.get(arrival.identity.series_instance_uid)
        if series is None:
            series = Series(archive=self._archive, study=study, **arrival.columns.series)
            self._series[series.series_instance_uid] = series
            study.series_count += 1
            modalities = {series.modality, *study.modalities.split("\\")} - {""}
            study.modalities = "\\".join(sorted(modalities))[:TEXT_LENGTH]
        return series


def _save(rows: Iterable[Study | Series], changed_fields: list[str]) -> None:
    for row in rows:
        row.save(update_fields=changed_fields if row.pk else None)


def _known_patients(archive: Archive, arrivals: Sequence[Arrival]) -> dict[PatientKey, Patient]:
    if not arrivals:
        return {}
    keys = {_key(**arrival.columns.patient) for arrival in arrivals}
    by_name = Q(patient_id="", patient_name__in={name for _, name in keys})
    by_id = Q(patient_id__in={patient_id for patient_id, _ in keys} - {""})
    found = Patient.objects.filter(by_name | by_id, archive=archive)
    return {_key(patient.patient_id, patient.patient_name): patient for patient in found}


def _key(patient_id: str, patient_name: str) -> PatientKey:
    """What tells patients of one archive apart."""
    return patient_id, "" if patient_id else patient_name
