from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import signed_in
from apps.viewer import files
from apps.viewer.configuration import app_config
from apps.viewer.policy import HEADER
from apps.viewer.selectors import visible_archives


@require_safe
def page(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """A file of OHIF, or one of its pages: they are one document, which looks at its own address."""
    user = signed_in(request)
    folder = files.folder()
    if folder is None:
        return render(request, "viewer/missing.html", status=HTTPStatus.NOT_FOUND)
    file = files.serve(folder, request)
    if file:
        return file
    if "." in path.rpartition("/")[2]:
        raise Http404
    if not visible_archives(user).exists():
        return render(request, "viewer/empty.html")
    document = files.document(folder)
    return HttpResponse(document.html, headers={HEADER: document.policy})


@require_safe
def configuration(request: HttpRequest) -> HttpResponse:
    """What OHIF may show this person."""
    text = app_config(list(visible_archives(signed_in(request))))
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")
