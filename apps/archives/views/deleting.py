from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from apps.archives import deleting
from apps.archives.access import Role, visit
from apps.archives.dicomweb import answers


def delete(request: HttpRequest, namespace: str, archive_name: str, **uids: str) -> HttpResponse:
    """For owners alone; 204 when it is gone, 405 where the archive deletes nothing."""
    visitor = visit(request, namespace, archive_name, at_least=Role.OWNER)
    visitor.entry.need_work()
    try:
        deleting.delete(visitor.find(**uids), by=visitor.user)
    except deleting.NothingIsDeleted as refusal:
        response = answers.problem(request, HTTPStatus.METHOD_NOT_ALLOWED, str(refusal))
        response["Allow"] = "GET, HEAD"
        return response
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
