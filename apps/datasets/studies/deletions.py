"""Deleting studies for good, by owners: asked for on a page of studies, and done when that is confirmed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.access import signed_in
from apps.archives.deleting import NothingIsDeleted, delete
from apps.archives.models import Archive
from apps.archives.overview import may_do
from apps.archives.services import ArchiveUnreachable
from apps.core.forms import takes_fields
from apps.datasets import access, addresses
from apps.datasets.studies.actions import Chosen, StudyAction
from apps.datasets.studies.selections import SelectionRefused, selected
from apps.projects.access import Entry, Role, enter

MOST_AT_ONCE = 100


def may_delete(entry: Entry, archive: Archive) -> bool:
    return entry.can(Role.OWNER) and entry.may_work and may_do(archive.pk, "delete")


def ask(request: HttpRequest, chosen: Chosen) -> HttpResponse:
    context = {"project": chosen.entry.project, "archive": chosen.archive, "studies": list(chosen.studies)}
    return render(request, "datasets/delete.html", context)


@require_POST
@takes_fields("studies")
def delete_studies(request: HttpRequest, namespace: str) -> HttpResponse:
    """Those that are named, which the person has seen once more."""
    entry = enter(signed_in(request), namespace, at_least=Role.OWNER)
    entry.need_work()
    archive = access.get_archive(entry, access.named_archive(request.GET))
    try:
        studies = list(selected(archive, request.POST).select_related("archive")[:MOST_AT_ONCE])
        number = sum(delete(study, by=entry.user) for study in studies)
    except (SelectionRefused, NothingIsDeleted, ArchiveUnreachable) as failure:
        messages.error(request, str(failure))
        return _back(archive)
    messages.success(request, _said(len(studies), number))
    return _back(archive)


def _said(studies: int, objects: int) -> str:
    gone = "1 study" if studies == 1 else f"{studies} studies"
    return f"{gone} with {objects} object{'' if objects == 1 else 's'} {'is' if studies == 1 else 'are'} deleted."


def _back(archive: Archive) -> HttpResponseRedirect:
    return redirect(addresses.page("studies", archive))


DELETE = StudyAction("delete", "Delete", "x", may_delete, ask, most=MOST_AT_ONCE)
