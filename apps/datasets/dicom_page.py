"""What the DICOM page of a project shows, from rows alone."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.archives.models import Archive, DicomDevice, Study
from apps.archives.selectors import ae_title_of
from apps.datasets.dicom_card import Peer, Tool, Web, dimse_tools, web_tools
from apps.datasets.dicom_forms import AeTitleForm
from apps.datasets.models import ConnectionTest
from apps.projects.access import Entry, Role
from apps.projects.models import Project
from apps.workspaces.selectors import dimse_of


def shown(entry: Entry, archive: Archive) -> dict[str, Any]:
    project, ae_title = entry.project, ae_title_of(entry.project)
    devices = list(project.dicom_devices.all())
    studies = Study.objects.filter(archive=archive).order_by("-pk").values_list("study_instance_uid", flat=True)
    newest = studies.first() or ""
    url = settings.PUBLIC_URL + reverse("archives:studies", args=[project.namespace]).removesuffix("/studies")
    return {
        "project": project,
        "archive": archive,
        "ae_title": ae_title,
        "is_owner": entry.can(Role.OWNER),
        "is_member": entry.can(Role.MEMBER),
        "may_export": entry.may_export,
        "form": AeTitleForm(initial={"ae_title": ae_title}),
        "url": url,
        "web_tools": web_tools(Web(url, entry.may_work, entry.may_export, newest)),
        "devices": devices,
        "dimse": dimse_of(project),
        "dimse_tools": _dimse_tools(entry, devices, newest),
        **tested(project),
    }


def tested(project: Project) -> dict[str, Any]:
    return {"project": project, "test": ConnectionTest.objects.filter(project=project).order_by("-pk").first()}


def _dimse_tools(entry: Entry, devices: list[DicomDevice], study_instance_uid: str) -> list[Tool]:
    """For those who may put images in, as the first of the devices."""
    dimse = dimse_of(entry.project)
    if not (dimse and dimse.host and devices and entry.may_work):
        return []
    device = next((one for one in devices if one.may_retrieve), devices[0])
    called = ae_title_of(entry.project)
    return dimse_tools(Peer(dimse.host, dimse.port, called, device.ae_title, device.may_retrieve, study_instance_uid))
