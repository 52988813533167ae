from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.access import require_to_look, signed_in
from apps.accounts.models import User
from apps.archives.models import Archive
from apps.clusters import pages as clusters
from apps.clusters.access import visible_clusters
from apps.clusters.selectors import with_summaries
from apps.dashboard import selectors
from apps.dashboard.styleguide import samples
from apps.datasets.selectors import totals
from apps.jobs.access import visible_runs
from apps.jobs.pages import rows as run_rows
from apps.jobs.selectors import for_list
from apps.projects.access import Entry, ending_projects, enter, extensions_waiting_for
from apps.projects.models import Project
from apps.provisioning.selectors import lines_of, steps_for
from apps.registrations.selectors import open_requests_of, waiting_for
from apps.workspaces import pages as workspaces

PROJECTS_A_PAGE = 25
EXTENSIONS_SHOWN = 10


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        return render(request, "dashboard/welcome.html")
    user = request.user
    waiting = waiting_for(user)
    longest = waiting.first()
    context = {
        "projects": Paginator(selectors.projects_of(user), PROJECTS_A_PAGE).get_page(request.GET.get("page")),
        "ending": ending_projects(user),
        "extensions": extensions_waiting_for(user)[:EXTENSIONS_SHOWN],
        "waiting": waiting.count(),
        "waiting_since": longest.status_changed_at if longest else None,
        "requests": open_requests_of(user),
        "clusters": clusters.shown(with_summaries(visible_clusters(user))),
        "rows": run_rows(list(selectors.runs_of(user)[: selectors.LATEST_RUNS])),
    }
    return render(request, "dashboard/home.html", context)


@require_safe
def project(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    archive = Archive.objects.filter(project=entry.project, is_default=True).first()
    context = {**_person(entry), **_project(entry.project), **_images(archive)}
    context["live"] = workspaces.live(entry)
    context["rows"] = run_rows(list(for_list(visible_runs(entry))[: selectors.LATEST_RUNS]))
    return render(request, "dashboard/project.html", context)


def _person(entry: Entry) -> dict[str, Any]:
    return {
        "role_word": entry.role.label.lower() if entry.is_member else f"{_platform_role(entry.user)}, looking",
        "may_upload": entry.may_work,
        "may_export": entry.may_export,
    }


def _platform_role(user: User) -> str:
    return user.PlatformRole(user.platform_role).label.lower()


def _project(shown: Project) -> dict[str, Any]:
    members = selectors.members(shown)
    return {
        "project": shown,
        "steps": lines_of(steps_for(shown)) if shown.status == Project.Status.PROVISIONING else [],
        "memberships": members[: selectors.MEMBERS_SHOWN],
        "member_count": members.count(),
        "resources": selectors.resources(shown),
    }


def _images(archive: Archive | None) -> dict[str, Any]:
    """Nothing while the project is still being set up."""
    if archive is None:
        return {}
    studies = reverse("archives:studies", kwargs={"namespace": archive.project.namespace})
    return {
        "archive": archive,
        "totals": totals(archive),
        "latest": selectors.latest_series(archive),
        "dicomweb_url": settings.PUBLIC_URL + studies.removesuffix("/studies"),
    }


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for those who look after the portal."""
    require_to_look(signed_in(request))
    return render(request, "dashboard/styleguide.html", samples())
