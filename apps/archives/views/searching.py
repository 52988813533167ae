from django.http import HttpRequest, HttpResponseBase

from apps.archives.access import visit
from apps.archives.dicomweb import answers, query
from apps.archives.dicomweb.search import Scope
from apps.archives.dicomweb.search import search as search_index
from apps.archives.views import addresses


@answers.dicomweb("GET", "HEAD")
def find(
    request: HttpRequest, namespace: str, level: query.Level, archive_name: str = "", **uids: str
) -> HttpResponseBase:
    return search(request, namespace, archive_name, level, **uids)


def search(
    request: HttpRequest, namespace: str, archive_name: str, level: query.Level, **uids: str
) -> HttpResponseBase:
    archive = visit(request, namespace, archive_name).archive()
    media_type = answers.json_type(request)
    wanted = query.parse(level, request.GET)
    root = addresses.root(request, namespace, archive_name)
    found = search_index(level, Scope(archive, **uids), wanted, root)
    response = answers.json_array(found.objects, media_type)
    response["Cache-Control"] = "private, no-cache"
    warnings = []
    if found.is_cut:
        warnings.append(f'299 {root} "There are more than {query.MAX_RESULTS} results; ask for the rest by offset."')
    if wanted.is_fuzzy:
        warnings.append(f'299 {root} "Fuzzy matching is not supported. Only literal matching has been performed."')
    if warnings:
        response["Warning"] = ", ".join(warnings)
    return response
