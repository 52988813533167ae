from django.http import Http404

from apps.projects.access import Entry
from apps.workspaces.models import Workspace


def own_workspace(entry: Entry, pk: int) -> Workspace:
    """The person's own workspace in this project. Raises Http404 for anybody else's."""
    found = Workspace.objects.filter(pk=pk, project=entry.project, user=entry.user, removed_at=None).first()
    if found is None or not entry.is_member:
        raise Http404
    return found
