"""The only way from a person inside a project to its images. A miss is 404."""

from typing import TypeVar

from django.core.validators import slug_re
from django.db.models import Model, QuerySet
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404

from apps.archives.models import Archive, Export, Instance, Series, Study
from apps.archives.overview import archives_of
from apps.datasets.models import Upload, UploadedFile
from apps.projects.access import Entry

Row = TypeVar("Row", bound=Model)


def named_archive(query: QueryDict) -> str:
    """The archive that an address names by `?archive=`, "" for none. Raises Http404 for what is no name."""
    name = query.get("archive", "")
    if name and not slug_re.fullmatch(name):
        raise Http404
    return name


def default_archive(entry: Entry) -> Archive:
    return get_object_or_404(Archive.objects.select_related("project"), project=entry.project, is_default=True)


def get_archive(entry: Entry, name: str = "") -> Archive:
    """The one named, or the default one."""
    return get_object_or_404(archives_of(entry.project), name=name) if name else default_archive(entry)


def get_study(entry: Entry, study_instance_uid: str, *, archive_name: str = "") -> Study:
    studies = Study.objects.select_related("patient", "archive__project").filter(study_instance_uid=study_instance_uid)
    return _first(studies, entry, archive_name)


def get_series(entry: Entry, series_instance_uid: str, *, archive_name: str = "") -> Series:
    series = Series.objects.select_related("study__patient", "archive__project")
    return _first(series.filter(series_instance_uid=series_instance_uid), entry, archive_name)


def get_instance(series: Series, sop_instance_uid: str) -> Instance:
    instances = Instance.objects.select_related("series__study")
    return get_object_or_404(instances, series=series, sop_instance_uid=sop_instance_uid)


def get_image(entry: Entry, sop_instance_uid: str, *, archive_name: str = "") -> Instance:
    """With its series and study, as the archive's services want it."""
    images = Instance.objects.select_related("series__study").defer("metadata", "attributes")
    return _first(images.filter(sop_instance_uid=sop_instance_uid, number_of_frames__gt=0), entry, archive_name)


def _first(rows: QuerySet[Row], entry: Entry, archive_name: str) -> Row:
    """In the archive named, or in any of the project, the default one first."""
    named = {"archive__name": archive_name} if archive_name else {}
    found = rows.filter(archive__project=entry.project, archive__removed_at=None, **named)
    row = found.order_by("-archive__is_default", "archive__name").first()
    if row is None:
        raise Http404
    return row


def get_upload(entry: Entry, pk: int) -> Upload:
    return get_object_or_404(Upload.objects.select_related("by"), archive__project=entry.project, pk=pk)


def get_own_upload(entry: Entry, pk: int) -> Upload:
    """For who sends it alone."""
    return get_object_or_404(own_uploads(entry), pk=pk)


def own_uploads(entry: Entry) -> QuerySet[Upload]:
    return Upload.objects.filter(archive__project=entry.project, by=entry.user).select_related("archive")


def get_own_file(entry: Entry, pk: int) -> UploadedFile:
    """For who sends it alone."""
    files = UploadedFile.objects.select_related("upload__archive", "upload__by")
    return get_object_or_404(files, upload__archive__project=entry.project, upload__by=entry.user, pk=pk)


def get_export(entry: Entry, pk: int) -> Export:
    return get_object_or_404(exports_of(entry), pk=pk)


def exports_of(entry: Entry) -> QuerySet[Export]:
    """Of all archives of the project, those too that were taken out since."""
    return Export.objects.filter(archive__project=entry.project).select_related("archive", "by")
