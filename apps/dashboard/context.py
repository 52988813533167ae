"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import User
from apps.projects.access import visible_projects
from apps.registrations.selectors import waiting_for

THEMES = {"light", "dark"}
SWITCHER_LENGTH = 50
SECTIONS = {
    "dashboard:project": "overview",
    "dashboard:home": "home",
    "dashboard:outbox": "outbox",
    "jobs:algorithms": "algorithms",
    "datasets": "images",
    "jobs": "runs",
    "clusters": "clusters",
    "members": "members",
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
    projects = visible_projects(user).values_list("name", "namespace")
    return {
        "projects": projects[:SWITCHER_LENGTH],
        "project": _current(request, projects),
        "is_administrator": user.is_administrator,
        "has_approvals": user.may_approve or user.may_look,
        "may_look": user.may_look,
        "approvals_waiting": waiting_for(user).count() if user.may_approve else 0,
        "section": _section(request),
    }


def _current(request: HttpRequest, projects: Any) -> dict[str, str] | None:
    namespace = request.resolver_match.kwargs.get("namespace") if request.resolver_match else None
    if namespace is None:
        return None
    found: dict[str, str] | None = projects.filter(namespace=namespace).values("name", "namespace").first()
    return found


def _section(request: HttpRequest) -> str:
    match = request.resolver_match
    return (SECTIONS.get(match.view_name) or SECTIONS.get(match.namespace, "")) if match else ""
