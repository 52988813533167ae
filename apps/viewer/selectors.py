from django.db.models import QuerySet

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.projects.access import visible_projects


def visible_archives(user: User) -> QuerySet[Archive]:
    """Those of the person's projects, by the projects' names, the default one of each first."""
    found = Archive.objects.filter(project__in=visible_projects(user), removed_at=None).select_related("project")
    return found.order_by("project__name", "project", "-is_default", "name")
