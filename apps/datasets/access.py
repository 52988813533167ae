"""The only way from a person inside a project to its images. A miss is 404."""

from django.shortcuts import get_object_or_404

from apps.archives.models import Archive, Export, Instance, Series, Study
from apps.datasets.models import Upload, UploadedFile
from apps.projects.access import Entry


def default_archive(entry: Entry) -> Archive:
    return get_object_or_404(Archive.objects.select_related("project"), project=entry.project, is_default=True)


def get_study(entry: Entry, study_instance_uid: str) -> Study:
    return get_object_or_404(
        Study.objects.select_related("patient", "archive__project"),
        archive__project=entry.project,
        archive__is_default=True,
        study_instance_uid=study_instance_uid,
    )


def get_series(entry: Entry, series_instance_uid: str) -> Series:
    return get_object_or_404(
        Series.objects.select_related("study__patient", "archive__project"),
        archive__project=entry.project,
        archive__is_default=True,
        series_instance_uid=series_instance_uid,
    )


def get_instance(series: Series, sop_instance_uid: str) -> Instance:
    instances = Instance.objects.select_related("series__study")
    return get_object_or_404(instances, series=series, sop_instance_uid=sop_instance_uid)


def get_image(entry: Entry, sop_instance_uid: str) -> Instance:
    """With its series and study, as the archive's services want it."""
    return get_object_or_404(
        Instance.objects.select_related("series__study").defer("metadata", "attributes"),
        archive__project=entry.project,
        archive__is_default=True,
        sop_instance_uid=sop_instance_uid,
        number_of_frames__gt=0,
    )


def get_upload(entry: Entry, pk: int) -> Upload:
    return get_object_or_404(Upload.objects.select_related("by"), archive__project=entry.project, pk=pk)


def get_own_upload(entry: Entry, pk: int) -> Upload:
    """For who sends it alone."""
    return get_object_or_404(
        Upload.objects.select_related("archive"), archive__project=entry.project, by=entry.user, pk=pk
    )


def get_own_file(entry: Entry, pk: int) -> UploadedFile:
    """For who sends it alone."""
    files = UploadedFile.objects.select_related("upload__archive", "upload__by")
    return get_object_or_404(files, upload__archive__project=entry.project, upload__by=entry.user, pk=pk)


def get_export(entry: Entry, pk: int) -> Export:
    exports = Export.objects.select_related("archive")
    return get_object_or_404(exports, archive__project=entry.project, archive__is_default=True, pk=pk)
