"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest

from apps.accounts.models import User
from apps.projects.access import visible_projects

THEMES = {"light", "dark"}
SWITCHER_LENGTH = 50


def page(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "request_id": getattr(request, "request_id", ""),
        "nav": _navigation(request),
    }


def _navigation(request: HttpRequest) -> dict[str, Any] | None:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or user.has_one_time_password:
        return None
    projects = list(visible_projects(user)[:SWITCHER_LENGTH])
    return {
        "projects": projects,
        "project": _current(request, projects),
        "is_administrator": user.is_administrator,
        "may_approve": user.may_approve,
        "section": _section(request),
    }


def _current(request: HttpRequest, projects: list[Any]) -> Any:
    match = request.resolver_match
    namespace = match.kwargs.get("namespace") if match else None
    return next((project for project in projects if project.namespace == namespace), None)


def _section(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""
