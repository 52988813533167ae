"""The DICOMweb doors of an archive (PS3.18 10): search, retrieve, store.

In their arguments, `uids` are those that the address has of study_instance_uid, series_instance_uid and
sop_instance_uid.
"""

from django.http import HttpRequest, HttpResponseBase

from apps.archives.dicomweb.answers import dicomweb
from apps.archives.dicomweb.query import Level
from apps.archives.views.pixels import bulk_data, frames, rendered
from apps.archives.views.retrieving import metadata, retrieve, whole
from apps.archives.views.searching import find, search
from apps.archives.views.storing import store
from apps.archives.views.uri import wado_uri

__all__ = ["bulk_data", "find", "frames", "metadata", "rendered", "retrieve", "studies", "study", "wado_uri"]


@dicomweb("GET", "HEAD", "POST")
def studies(request: HttpRequest, namespace: str, archive_name: str = "") -> HttpResponseBase:
    if request.method == "POST":
        return store(request, namespace, archive_name)
    return search(request, namespace, archive_name, Level.STUDY)


@dicomweb("GET", "HEAD", "POST")
def study(request: HttpRequest, namespace: str, study_instance_uid: str, archive_name: str = "") -> HttpResponseBase:
    if request.method == "POST":
        return store(request, namespace, archive_name, study_instance_uid)
    return whole(request, namespace, archive_name, study_instance_uid=study_instance_uid)
