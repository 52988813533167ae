from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.archives.models import Archive, StudyRead
from apps.archives.selectors import outage_of
from apps.archives.services import note_read
from apps.datasets import access
from apps.datasets.series.derivations import series_groups
from apps.datasets.studies.actions import Chosen, StudyAction, find
from apps.datasets.studies.deletions import may_delete
from apps.datasets.studies.page import studies_context
from apps.datasets.studies.selections import SelectionRefused, selected
from apps.datasets.uploads import progress
from apps.projects.access import Entry, enter
from apps.viewer.addresses import address_of_study


@require_safe
def studies(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    archive = access.get_archive(entry, access.named_archive(request.GET))
    context = {
        **studies_context(entry, archive, request.GET),
        "offer": progress.offer(archive, by=entry.user) if entry.may_work and archive.is_default else None,
    }
    return render(request, "datasets/studies.html", context)


@require_safe
def study(request: HttpRequest, namespace: str, study_instance_uid: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    found = access.get_study(entry, study_instance_uid, archive_name=access.named_archive(request.GET))
    note_read(found, by=entry.user, kind=StudyRead.Kind.VIEWED)
    context = {
        "project": entry.project,
        "study": found,
        "groups": series_groups(found),
        "outage": outage_of(found.archive),
        "ohif_url": address_of_study(found),
        "may_delete": may_delete(entry, found.archive),
        "may_export": entry.may_export,
    }
    return render(request, "datasets/study.html", context)


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
