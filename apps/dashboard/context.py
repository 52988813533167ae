"""What every page shows around its content."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import User
from apps.projects.access import extensions_waiting_for, visible_projects
from apps.projects.models import Membership, Project
from apps.registrations.access import has_console
from apps.registrations.selectors import waiting_for

THEMES = {"light", "dark"}
SWITCHER_LENGTH = 50
SECTIONS = {
    "dashboard:project": "overview",
    "dashboard:home": "home",
    "dashboard:outbox": "outbox",
    "dashboard:audit": "audit",
    "dashboard:project_audit": "project-audit",
    "dashboard:search": "search",
    "dashboard:styleguide": "styleguide",
    "jobs:algorithms": "algorithms",
    "datasets": "images",
    "jobs": "runs",
    "clusters": "clusters",
    "members": "members",
    "projects:projects": "projects",
    "projects:extension": "approvals",
    "projects:extensions": "approvals",
    "projects": "settings",
    "provisioning:project_change": "settings",
    "registrations": "approvals",
    "accounts": "account",
    "people": "people",
}


def page(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "request_id": getattr(request, "request_id", ""),
        # Fragments and error pages have none, and a page asks for its fragments every few seconds.
        "nav": SimpleLazyObject(lambda: _navigation(request)),
    }


def _navigation(request: HttpRequest) -> dict[str, Any] | None:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or user.has_one_time_password:
        return None
    projects = visible_projects(user)
    has_approvals = has_console(user)
    return {
        "projects": projects.values_list("name", "namespace")[:SWITCHER_LENGTH],
        "project": _current(request, projects, user),
        "is_administrator": user.is_administrator,
        "has_approvals": has_approvals,
        "may_look": user.may_look,
        "approvals_waiting": waiting_for(user).count() + extensions_waiting_for(user).count() if has_approvals else 0,
        "section": _section(request),
    }


def _current(request: HttpRequest, projects: QuerySet[Project], user: User) -> dict[str, Any] | None:
    namespace = request.resolver_match.kwargs.get("namespace") if request.resolver_match else None
    if namespace is None:
        return None
    owned = Membership.objects.filter(project=OuterRef("pk"), user=user, role=Membership.Role.OWNER)
    found = projects.filter(namespace=namespace).values("name", "namespace", has_settings=Exists(owned)).first()
    return {**found, "has_settings": found["has_settings"] or user.may_look} if found else None


def _section(request: HttpRequest) -> str:
    match = request.resolver_match
    return (SECTIONS.get(match.view_name) or SECTIONS.get(match.namespace, "")) if match else ""
