"""Which studies of an archive a person looks for, and in which order."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from apps.archives.models import Archive, Patient, Study
from apps.datasets.studies.states import CHANGING_FOR, StudyState

DEFAULT_ORDER = "-date"
# Each order ends with the primary key, so that pages neither repeat nor lose a study.
FIELDS = {
    "patient": ("patient__patient_name", "patient__patient_id", "study_date"),
    "date": ("study_date", "study_time"),
    "description": ("study_description",),
    "modalities": ("modalities",),
    "series": ("series_count",),
    "objects": ("instance_count",),
    "size": ("size_bytes",),
    "added": ("updated_at",),
}
MOST_WORDS = 6


@dataclass(frozen=True)
class Wanted:
    """What of the studies is asked for; what is empty does not matter. Days are those of the study, both included."""

    text: str = ""
    since: date | None = None
    until: date | None = None
    modality: str = ""
    state: str = ""

    @property
    def is_all(self) -> bool:
        return self == Wanted()


def studies(archive: Archive, wanted: Wanted, order: str = DEFAULT_ORDER) -> QuerySet[Study]:
    """Studies with their patient, without what is heavy. `order` is one of FIELDS, with a hyphen for its reverse."""
    found = Study.objects.filter(_is_of_days(wanted), archive=archive)
    if words := _words(wanted.text):
        found = found.filter(pk__in=_mentioning(archive, words).values("pk"))
    if wanted.modality:
        closed = Concat(Value("\\"), "modalities", Value("\\"), output_field=CharField())
        found = found.alias(closed_modalities=closed).filter(closed_modalities__contains=f"\\{wanted.modality}\\")
    if wanted.state:
        is_changing = Q(updated_at__gt=timezone.now() - timedelta(seconds=CHANGING_FOR))
        found = found.filter(is_changing if wanted.state == StudyState.CHANGING else ~is_changing)
    if order.endswith("patient"):
        # Said twice, so that the patients are walked by their names.
        found = found.filter(patient__archive=archive)
    return found.select_related("patient").defer("attributes").order_by(*_ordering(order))


def _ordering(order: str) -> list[str]:
    sign = "-" if order.startswith("-") else ""
    return [f"{sign}{field}" for field in (*FIELDS[order.removeprefix("-")], "pk")]


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()[:MOST_WORDS]


def _mentioning(archive: Archive, words: list[str]) -> QuerySet[Study]:
    """Every word is somewhere in patient, description or accession number, or is the UID.

    So a name is found as it is spoken, though it is stored with carets and the family's name first. The patients are
    looked through first, and the studies by an index that holds all of this: their rows are large.
    """
    found = Study.objects.filter(archive=archive)
    for word in words:
        is_named = Q(patient_name__icontains=word) | Q(patient_id__icontains=word)
        patients = Patient.objects.filter(is_named, archive=archive).values("pk")
        is_described = Q(study_description__icontains=word) | Q(accession_number__icontains=word)
        found = found.filter(Q(patient__in=patients) | is_described | Q(study_instance_uid=word))
    return found


def _is_of_days(wanted: Wanted) -> Q:
    """A study without a date is of no day."""
    days = Q()
    if wanted.since:
        days &= Q(study_date__gte=_da(wanted.since))
    if wanted.until:
        days &= Q(study_date__lte=_da(wanted.until), study_date__gt="")
    return days


def _da(day: date) -> str:
    return day.isoformat().replace("-", "")
