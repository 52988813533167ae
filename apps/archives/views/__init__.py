"""The DICOMweb doors of an archive (PS3.18 10): search, retrieve, store, delete.

In their arguments, `uids` are those that the address has of study_instance_uid, series_instance_uid and
sop_instance_uid.
"""

from django.http import HttpRequest, HttpResponseBase

from apps.archives.dicomweb.answers import dicomweb
from apps.archives.dicomweb.query import Level
from apps.archives.views.deleting import delete
from apps.archives.views.pixels import bulk_data, frames, rendered
from apps.archives.views.retrieving import metadata, whole
from apps.archives.views.searching import find, search
from apps.archives.views.storing import store
from apps.archives.views.uri import wado_uri

__all__ = ["bulk_data", "find", "frames", "metadata", "rendered", "retrieve", "studies", "study", "wado_uri"]


@dicomweb("GET", "HEAD", "DELETE")
def retrieve(request: HttpRequest, namespace: str, archive_name: str = "", **uids: str) -> HttpResponseBase:
    """A series or an instance."""
    if request.method == "DELETE":
        return delete(request, namespace, archive_name, **uids)
    return whole(request, namespace, archive_name, **uids)


@dicomweb("GET", "HEAD", "POST")
def studies(request: HttpRequest, namespace: str, archive_name: str = "") -> HttpResponseBase:
    if request.method == "POST":
        return store(request, namespace, archive_name)
    return search(request, namespace, archive_name, Level.STUDY)


@dicomweb("GET", "HEAD", "POST", "DELETE")
def study(request: HttpRequest, namespace: str, study_instance_uid: str, archive_name: str = "") -> HttpResponseBase:
    if request.method == "POST":
        return store(request, namespace, archive_name, study_instance_uid)
    if request.method == "DELETE":
        return delete(request, namespace, archive_name, study_instance_uid=study_instance_uid)
    return whole(request, namespace, archive_name, study_instance_uid=study_instance_uid)
