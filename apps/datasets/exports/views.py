"""The page of who may take all images of an archive to a place outside the platform."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.archives import exports
from apps.archives.models import Archive
from apps.archives.overview import archives_of
from apps.archives.selectors import outage_of
from apps.core.state import IllegalTransition
from apps.datasets import access
from apps.datasets.exports.badges import badge_of
from apps.datasets.exports.forms import ExportForm
from apps.projects.access import Entry, enter

PAGE_LENGTH = 50


@require_safe
def index(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = _enter(request, namespace)
    archive = access.get_archive(entry, access.named_archive(request.GET))
    form = ExportForm(archives_of(entry.project), initial={"archive": archive.name})
    return _page(request, entry, archive, form)


@require_POST
def ask(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = _enter(request, namespace)
    form = ExportForm(archives_of(entry.project), request.POST)
    if not form.is_valid():
        return _page(request, entry, access.default_archive(entry), form)
    exports.ask(form.archive, form.cleaned_data["target"], by=entry.user)
    return redirect("datasets:exports", namespace)


@require_POST
def cancel(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = _enter(request, namespace)
    try:
        exports.cancel(access.get_export(entry, pk), by=entry.user)
    except IllegalTransition:
        messages.info(request, "This export has ended already.")
    return redirect("datasets:exports", namespace)


def _enter(request: HttpRequest, namespace: str) -> Entry:
    entry = enter(signed_in(request), namespace)
    entry.need_export()
    return entry


def _page(request: HttpRequest, entry: Entry, archive: Archive, form: ExportForm) -> HttpResponse:
    page = Paginator(access.exports_of(entry).order_by("-pk"), PAGE_LENGTH).get_page(request.GET.get("page"))
    context = {
        "project": entry.project,
        "outage": outage_of(archive),
        "form": form,
        "page": page,
        "rows": [(export, badge_of(export)) for export in page],
        "is_live": any(export.is_active for export in page),
    }
    return render(request, "datasets/exports.html", context)
