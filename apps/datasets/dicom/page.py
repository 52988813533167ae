"""What the DICOM page of a project shows, from rows alone."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.archives.models import Archive, DicomDevice, Study
from apps.archives.selectors import ae_title_of
from apps.datasets.dicom.card import Peer, Web, dimse_tools, web_tools
from apps.datasets.dicom.forms import AeTitleForm, DeviceForm
from apps.datasets.models import ConnectionTest
from apps.projects.access import Entry, Role
from apps.projects.models import Project
from apps.workspaces.selectors import Dimse, dimse_of


def shown(entry: Entry, archive: Archive) -> dict[str, Any]:
    project = entry.project
    ae_title, dimse = ae_title_of(project), dimse_of(project)
    devices = list(project.dicom_devices.all())
    studies = Study.objects.filter(archive=archive).order_by("-pk").values_list("study_instance_uid", flat=True)
    newest = studies.first() or ""
    peer = _peer(dimse, devices, ae_title, newest) if dimse else None
    url = settings.PUBLIC_URL + reverse("archives:studies", args=[project.namespace]).removesuffix("/studies")
    return {
        "project": project,
        "archive": archive,
        "ae_title": ae_title,
        "is_owner": entry.can(Role.OWNER),
        "is_administrator": entry.user.is_administrator,
        "is_member": entry.can(Role.MEMBER),
        "may_export": entry.may_export,
        "form": AeTitleForm(initial={"ae_title": ae_title}),
        "device_form": DeviceForm(),
        "url": url,
        "web_tools": web_tools(Web(url, entry.may_work, entry.may_export, newest)),
        "devices": devices,
        "dimse": dimse,
        "dimse_tools": dimse_tools(peer) if peer and entry.may_work else [],
        **tested(project),
    }


def tested(project: Project) -> dict[str, Any]:
    return {"project": project, "test": ConnectionTest.objects.filter(project=project).order_by("-pk").first()}


def _peer(dimse: Dimse, devices: list[DicomDevice], ae_title: str, study_instance_uid: str) -> Peer | None:
    """As one of the devices reaches it, best one that may do all; None where there is none, or no address."""
    device = max(devices, key=lambda one: one.may_retrieve, default=None)
    if device is None or not dimse.host:
        return None
    return Peer(dimse.host, dimse.port, ae_title, device.ae_title, device.may_retrieve, study_instance_uid)
