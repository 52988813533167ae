"""The archives of a project: which there are, how they are; owners add, change, and take out."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import signed_in
from apps.archives import registering
from apps.archives.models import Archive
from apps.archives.overview import seen_of
from apps.archives.registering import NameTaken, StaysInPortal
from apps.core.forms import takes_fields
from apps.datasets import access
from apps.datasets.archives import page
from apps.datasets.archives.forms import AddArchiveForm, ChangePlaceForm
from apps.projects.access import Entry, enter

takes_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def index(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    return render(request, "datasets/archives.html", page.shown(entry))


@takes_form
def add(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = _manage(request, namespace)
    form = AddArchiveForm(request.POST or None)
    if form.is_valid():
        kind = Archive.Kind(form.cleaned_data["kind"])
        place = None if kind == Archive.Kind.BUILT_IN else form.place()
        try:
            registering.add(entry.project, name=form.cleaned_data["name"], kind=kind, place=place, by=entry.user)
        except NameTaken as taken:
            form.add_error("name", str(taken))
        else:
            messages.success(request, "The archive is added. What it holds comes into the index from now on.")
            return redirect("datasets:archives", namespace)
    return render(request, "datasets/archive_edit.html", {"project": entry.project, "form": form})


@takes_form
def change(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    entry = _manage(request, namespace)
    archive = access.get_archive(entry, name)
    seen = seen_of(archive)
    if not seen.is_entered:
        return _stays(request, namespace, registering.OWN)
    form = ChangePlaceForm(seen, request.POST or None)
    if form.is_valid():
        try:
            registering.change(archive, form.place(), by=entry.user)
        except StaysInPortal as stays:
            return _stays(request, namespace, str(stays))
        messages.success(request, "The archive is changed, and is being looked at.")
        return redirect("datasets:archives", namespace)
    return render(request, "datasets/archive_edit.html", {"project": entry.project, "archive": archive, "form": form})


@require_POST
@takes_fields()
def make_default(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    entry = _manage(request, namespace)
    registering.make_default(access.get_archive(entry, name), by=entry.user)
    return redirect("datasets:archives", namespace)


@require_POST
@takes_fields()
def look(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    entry = _manage(request, namespace)
    registering.ask_look(access.get_archive(entry, name), by=entry.user)
    messages.success(request, "It is being looked at. Open the page again in a moment.")
    return redirect("datasets:archives", namespace)


@takes_form
@takes_fields()
def take_out(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    entry = _manage(request, namespace)
    archive = access.get_archive(entry, name)
    if request.method != "POST":
        context = {"project": entry.project, "archive": archive, "study_count": archive.studies.count()}
        return render(request, "datasets/archive_take_out.html", context)
    try:
        registering.take_out(archive, by=entry.user)
    except StaysInPortal as stays:
        return _stays(request, namespace, str(stays))
    kept = " Its server keeps all images." if archive.is_remote else ""
    messages.success(request, f"The archive {archive.name} is taken out of the portal.{kept}")
    return redirect("datasets:archives", namespace)


def _manage(request: HttpRequest, namespace: str) -> Entry:
    entry = enter(signed_in(request), namespace)
    entry.need_owner_or_administrator()
    return entry


def _stays(request: HttpRequest, namespace: str, sentence: str) -> HttpResponse:
    messages.info(request, sentence)
    return redirect("datasets:archives", namespace)
