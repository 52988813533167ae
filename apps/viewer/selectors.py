from django.db.models import QuerySet

from apps.accounts.models import User
from apps.projects.access import visible_projects
from apps.projects.models import Project


def projects_with_images(user: User) -> QuerySet[Project]:
    """Those of the person's projects that have an archive, by name."""
    return visible_projects(user).filter(archives__is_default=True)
