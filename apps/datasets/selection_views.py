from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import signed_in
from apps.archives.models import Archive
from apps.datasets import access
from apps.datasets.selections import SelectionRefused, selected
from apps.datasets.study_actions import Chosen, StudyAction, find
from apps.projects.access import Entry, enter


@require_POST
def act(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """Does with the chosen studies what the pressed button names."""
    entry = enter(signed_in(request), namespace)
    archive = access.get_archive(entry, access.named_archive(_query(request.POST)))
    action = find(entry, archive, request.POST.get("action", ""))
    try:
        return action.run(request, _chosen(entry, archive, action, request.POST))
    except SelectionRefused as refusal:
        messages.error(request, str(refusal))
        return _back(namespace, request.POST)


def _chosen(entry: Entry, archive: Archive, action: StudyAction, posted: QueryDict) -> Chosen:
    studies = selected(archive, posted)
    count = studies.count()
    if not count:
        raise SelectionRefused("No study matches any more.")
    if action.most is not None and count > action.most:
        raise SelectionRefused(f"“{action.label}” takes at most {action.most} studies at once; you chose {count}.")
    return Chosen(entry, archive, studies, count)


def _back(namespace: str, posted: QueryDict) -> HttpResponseRedirect:
    query = _query(posted).urlencode()
    return redirect(f"{reverse('datasets:studies', args=[namespace])}{'?' if query else ''}{query}")


def _query(posted: QueryDict) -> QueryDict:
    """What the address of the page asked for."""
    return QueryDict(posted.get("query", ""))
