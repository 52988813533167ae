import re
from dataclasses import asdict
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.access import signed_in
from apps.projects.access import Role, enter
from apps.workspaces import pages, passes
from apps.workspaces.access import own_workspace
from apps.workspaces.selectors import has_orthanc
from apps.workspaces.services import show_explorer_password
from apps.workspaces.wishes import EXPLORER_USER

BEHIND_THE_FRONT = re.compile(r"/(?P<namespace>[a-z0-9-]+)/(?P<pk>[0-9]{1,18})/(?P<app>jupyter|desktop)(?:[/?]|\Z)")


@require_safe
def live(request: HttpRequest, namespace: str) -> HttpResponse:
    """The part of the project page that shows what runs; it asks for itself again.

    204 while it is as it was shown, so that whoever is reading or typing there is not interrupted.
    """
    part = pages.live(enter(signed_in(request), namespace))
    if part is None:
        raise Http404
    if request.GET.get("shown") == part.digest:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "workspaces/_live.html", asdict(part))


@require_safe
def open_app(request: HttpRequest, namespace: str, pk: int, app: str) -> HttpResponse:
    """To one's own desktop or JupyterLab, on the front's other host; by way of there, which says in which browser."""
    workspace = own_workspace(enter(signed_in(request), namespace), pk)
    if app not in passes.PORTS or not settings.WORKSPACES_URL:
        raise Http404
    query = {"to": f"{workspace.base_path}{app}/"}
    if browser := request.GET.get("browser"):
        query = {"ticket": passes.ticket_for(workspace, request.session.session_key or "", app, browser)}
    return HttpResponseRedirect(f"{settings.WORKSPACES_URL}/enter?{urlencode(query)}")


@require_http_methods(["GET", "HEAD", "POST"])
def orthanc(request: HttpRequest, namespace: str) -> HttpResponse:
    """How to look into the project's Orthanc; its password when asked for, which is recorded."""
    entry = enter(signed_in(request), namespace, at_least=Role.OWNER)
    entry.need_export()
    if not has_orthanc(entry.project):
        raise Http404
    access = show_explorer_password(entry.project, by=entry.user) if request.method == "POST" else None
    context = {"project": entry.project, "user": EXPLORER_USER, "password": access and access.explorer_password}
    return render(request, "workspaces/orthanc.html", {**context, **pages.explorer(entry)})


@login_not_required
@require_safe
def enter_workspace(request: HttpRequest) -> HttpResponse:
    """Behind the front's other host: marks the browser and sends it for a ticket; takes that, sets the cookie."""
    mark = request.COOKIES.get(passes.mark_name(), "")
    wanted = BEHIND_THE_FRONT.fullmatch(request.GET.get("to", ""))
    if wanted is not None:
        return _sent_for_ticket(wanted, mark or passes.new_mark())
    try:
        workspace, found = passes.redeem(request.GET.get("ticket", ""), mark)
    except passes.PassRefused:
        return HttpResponseRedirect(f"{settings.PUBLIC_URL}/")
    response = HttpResponseRedirect(f"{workspace.base_path}{found.app}/")
    response.set_cookie(
        passes.COOKIE,
        passes.cookie_for(found),
        max_age=passes.PASS_SECONDS,
        path=workspace.base_path,
        secure=settings.WORKSPACES_URL.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    response["Cache-Control"] = "no-store"
    return response


@login_not_required
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """What the front asks before it passes a request on: 200 with X-Workspace-Upstream, 401 or 403."""
    cookie, asked = request.COOKIES.get(passes.COOKIE), request.headers.get("X-Original-URI", "")
    found = BEHIND_THE_FRONT.match(asked)
    if found is None or not _is_from_own_pages(request):
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    if not cookie:
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    try:
        upstream = passes.upstream_of(cookie, found["namespace"], int(found["pk"]), found["app"])
    except passes.PassRefused:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    return HttpResponse(headers={"X-Workspace-Upstream": upstream, "Cache-Control": "no-store"})


def _sent_for_ticket(wanted: re.Match[str], mark: str) -> HttpResponse:
    opening = reverse("workspaces:open", kwargs=wanted.groupdict())
    query = urlencode({"browser": passes.browser_of(mark)})
    response = HttpResponseRedirect(f"{settings.PUBLIC_URL}{opening}?{query}")
    is_secure = settings.WORKSPACES_URL.startswith("https:")
    response.set_cookie(passes.mark_name(), mark, secure=is_secure, httponly=True, samesite="Lax")
    response["Cache-Control"] = "no-store"
    return response


def _is_from_own_pages(request: HttpRequest) -> bool:
    """A WebSocket is opened from any page, with the cookie, if that page's site is the same."""
    origin = request.headers.get("Origin")
    wanted = urlsplit(settings.WORKSPACES_URL)
    return origin is None or origin == f"{wanted.scheme}://{wanted.netloc}"
