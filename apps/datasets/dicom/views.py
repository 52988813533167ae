"""How programs and devices reach a project's images."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.archives.devices import AeTitleTaken, rename
from apps.archives.models import ApplicationEntity
from apps.core.forms import takes_fields
from apps.datasets import access
from apps.datasets.dicom import connections, page
from apps.datasets.dicom.forms import AeTitleForm, DeviceForm
from apps.projects.access import Entry, Role, enter
from apps.workspaces import services


@require_safe
def dicom(request: HttpRequest, namespace: str) -> HttpResponse:
    return _page(request, enter(signed_in(request), namespace))


@require_POST
def rename_ae_title(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace, at_least=Role.OWNER)
    entity = get_object_or_404(ApplicationEntity.objects.select_related("project"), project=entry.project)
    form = AeTitleForm(request.POST)
    if form.is_valid():
        try:
            rename(entity, form.cleaned_data["ae_title"], by=entry.user)
        except AeTitleTaken as taken:
            form.add_error("ae_title", str(taken))
        else:
            messages.success(request, "The AE title is changed.")
            return redirect("datasets:dicom", namespace)
    return _page(request, entry, form=form)


@require_POST
def list_device(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    entry.need_administrator()
    form = DeviceForm(request.POST)
    if not form.is_valid():
        return _page(request, entry, device_form=form)
    services.list_device(entry.project, form.device, by=entry.user)
    messages.success(request, f"{form.device.ae_title} may reach the project from {form.device.address}.")
    return redirect("datasets:dicom", namespace)


@require_POST
@takes_fields()
def remove_device(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    entry.need_administrator()
    device = get_object_or_404(entry.project.dicom_devices.select_related("project"), pk=pk)
    services.remove_device(device, by=entry.user)
    messages.success(request, f"{device.ae_title} is not let in any more.")
    return redirect("datasets:dicom", namespace)


@require_POST
@takes_fields()
def test_connection(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace, at_least=Role.MEMBER)
    access.default_archive(entry)
    connections.ask_test(entry.project, by=entry.user)
    return redirect("datasets:dicom", namespace)


@require_safe
def connection(request: HttpRequest, namespace: str) -> HttpResponse:
    """What the last test has found; it asks for itself until it has."""
    entry = enter(signed_in(request), namespace)
    return render(request, "datasets/_connection.html", page.tested(entry.project))


def _page(request: HttpRequest, entry: Entry, **context: Any) -> HttpResponse:
    archive = access.default_archive(entry)
    return render(request, "datasets/dicom.html", {**page.shown(entry, archive), **context})
