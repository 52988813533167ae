"""What this room itself does with many studies: they are downloaded, listed as a file, and opened together in OHIF."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone

from apps.archives.models import Study, StudyRead
from apps.archives.services import ArchiveUnreachable, ObjectUnavailable, note_read, zipped
from apps.audit.services import record
from apps.core import spreadsheets
from apps.datasets.studies.actions import Chosen, StudyAction
from apps.datasets.studies.selections import SelectionRefused
from apps.datasets.templatetags.dicom import listed, person_name
from apps.viewer.addresses import address_of_studies, is_there

MOST_IN_OHIF = 10
MOST_IN_ZIP = 100
_ROWS_AT_ONCE = 500
_COLUMNS = (
    "patient ID", "patient name", "study date", "study time", "description", "accession number", "modalities",
    "series", "objects", "bytes", "Study Instance UID",
)  # fmt: skip


def open_in_ohif(request: HttpRequest, chosen: Chosen) -> HttpResponseRedirect:
    studies = list(chosen.studies)
    for study in studies:
        note_read(study, by=chosen.entry.user, kind=StudyRead.Kind.VIEWED)
    return HttpResponseRedirect(address_of_studies(chosen.archive, studies))


def list_as_csv(request: HttpRequest, chosen: Chosen) -> StreamingHttpResponse:
    project = chosen.entry.project
    record(
        "images.listed", actor=chosen.entry.user.pk, project=project.pk, subject=chosen.archive, studies=chosen.count
    )
    return _attached(spreadsheets.lines(_rows(chosen)), "text/csv; charset=utf-8", chosen, "csv")


def download(request: HttpRequest, chosen: Chosen) -> StreamingHttpResponse:
    try:
        archive = zipped(chosen.archive, list(chosen.studies), by=chosen.entry.user)
    except (ArchiveUnreachable, ObjectUnavailable) as error:
        raise SelectionRefused(str(error)) from error
    return _attached(archive, "application/zip", chosen, "zip")


OWN = (
    StudyAction("ohif", "Open in OHIF", "photo", lambda entry, archive: is_there(), open_in_ohif, most=MOST_IN_OHIF),
    StudyAction(
        "download",
        "Download (zip)",
        "download",
        lambda entry, archive: entry.may_export,
        download,
        most=MOST_IN_ZIP,
    ),
    StudyAction("list", "List as CSV", "table", lambda entry, archive: entry.may_export, list_as_csv),
)


def _attached(
    chunks: Iterator[str] | Iterator[bytes], content_type: str, chosen: Chosen, ending: str
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type=content_type)
    name = f"{chosen.entry.project.namespace}-studies-{timezone.localdate():%Y-%m-%d}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _rows(chosen: Chosen) -> Iterator[tuple[str, ...]]:
    yield _COLUMNS
    for study in chosen.studies.iterator(_ROWS_AT_ONCE):
        yield _cells(study)


def _cells(study: Study) -> tuple[str, ...]:
    return (
        study.patient.patient_id,
        person_name(study.patient.patient_name),
        study.study_date,
        study.study_time,
        study.study_description,
        study.accession_number,
        listed(study.modalities),
        str(study.series_count),
        str(study.instance_count),
        str(study.size_bytes),
        study.study_instance_uid,
    )
