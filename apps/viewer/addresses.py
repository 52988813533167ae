"""Where a page links to OHIF (https://docs.ohif.org/configuration/url)."""

from collections.abc import Iterable
from urllib.parse import urlencode

from django.urls import reverse

from apps.archives.models import Archive, Series, Study
from apps.viewer import files
from apps.viewer.configuration import source_name

# OHIF's mode for looking and measuring.
MODE = "viewer"


def is_there() -> bool:
    """Whether this portal has the viewer."""
    return files.folder() is not None


def address_of_study(study: Study) -> str:
    """Of a study that is loaded with archive and project; empty when no viewer shows it."""
    return _address(study.archive, study)


def address_of_studies(archive: Archive, studies: Iterable[Study]) -> str:
    """Several studies of an archive, loaded with its project, beside each other; else as of one study."""
    return _address(archive, *studies)


def address_of_series(series: Series) -> str:
    """Its study with that series in front. It is loaded with study, archive and project; else as of a study."""
    return _address(series.archive, series.study, initialSeriesInstanceUID=series.series_instance_uid)


def _address(archive: Archive, *studies: Study, **wanted: str) -> str:
    if not is_there():
        return ""
    path = reverse("viewer:page", args=[f"{MODE}/{source_name(archive)}"])
    uids = ",".join(study.study_instance_uid for study in studies)
    return f"{path}?{urlencode({'StudyInstanceUIDs': uids, **wanted}, safe=',')}"
