from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from apps.archives.access import Role, Visit, visit
from apps.archives.dicomweb import answers, multipart, storing
from apps.archives.services import IncomingFile, receiving_folder, store_files
from apps.archives.views import addresses


def store(request: HttpRequest, namespace: str, archive_name: str, study_instance_uid: str = "") -> HttpResponseBase:
    visitor = visit(request, namespace, archive_name, at_least=Role.MEMBER)
    visitor.entry.need_work()
    archive = visitor.archive()
    media_type = answers.json_type(request)
    boundary = storing.boundary_of(request)
    with receiving_folder(archive) as folder:
        parts = multipart.receive(storing.body_of(request), boundary, folder)
        results = store_files(archive, _whole(parts, visitor), by=visitor.user, study_instance_uid=study_instance_uid)
    if not results:
        raise answers.RequestRefused(HTTPStatus.BAD_REQUEST, "The request has no parts.")
    text = storing.response_json(results, addresses.root(request, namespace, archive_name))
    return HttpResponse(text, content_type=media_type, status=storing.status_of(results))


def _whole(parts: Iterable[Path], visitor: Visit) -> Iterator[IncomingFile]:
    """All of the request's files, if its person may store them still when the last has come."""
    for number, path in enumerate(parts, 1):
        yield IncomingFile(path, f"part {number}")
    visitor.entry.need_work_still()
