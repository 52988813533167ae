from collections.abc import Iterator

from django.http import HttpRequest, HttpResponseBase

from apps.archives.access import visit
from apps.archives.dicomweb import answers, query
from apps.archives.dicomweb.search import Found, Scope
from apps.archives.dicomweb.search import search as search_index
from apps.archives.views import addresses, noting


@answers.dicomweb("GET", "HEAD")
def find(
    request: HttpRequest, namespace: str, level: query.Level, archive_name: str = "", **uids: str
) -> HttpResponseBase:
    return search(request, namespace, archive_name, level, **uids)


def search(
    request: HttpRequest, namespace: str, archive_name: str, level: query.Level, **uids: str
) -> HttpResponseBase:
    visitor = visit(request, namespace, archive_name)
    archive = visitor.archive()
    media_type = answers.json_type(request)
    wanted = query.parse(level, request.GET)
    root = addresses.root(request, namespace, archive_name)
    found = search_index(level, Scope(archive, **uids), wanted, root)
    noting.viewed(request, visitor, *found.opened)
    response = answers.json_array(found.objects, media_type)
    response["Cache-Control"] = "private, no-cache"
    if warnings := list(_warnings(found, wanted)):
        response["Warning"] = ", ".join(f'299 {root} "{sentence}"' for sentence in warnings)
    return response


def _warnings(found: Found, wanted: query.Query) -> Iterator[str]:
    """In the words of PS3.18 8.3.4.2 and 8.3.4.4, which clients look for."""
    if found.is_cut:
        number = "" if found.remaining is None else f"{found.remaining} "
        yield f"There are {number}additional results that can be requested"
    if wanted.is_fuzzy:
        yield "The fuzzymatching parameter is not supported. Only literal matching has been performed."
