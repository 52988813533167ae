"""By which AE title devices call a project, and which devices are let in."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.archives.ae_titles import proposals
from apps.archives.models import ApplicationEntity, DicomDevice
from apps.audit.services import changed, record
from apps.projects.models import Project


class AeTitleTaken(Exception):
    """Another project is called so."""

    def __init__(self, ae_title: str) -> None:
        super().__init__(f"Another project of this portal has the AE title {ae_title}.")


class Device(NamedTuple):
    """As it is to be listed; `address` is IPv4. One that may retrieve takes images out of the platform."""

    ae_title: str
    address: str
    may_retrieve: bool = False


def ensure_application_entity(project: Project) -> ApplicationEntity:
    """The project's AE title, derived from its namespace if it has none. Twice is once."""
    found = ApplicationEntity.objects.filter(project=project).first()
    return found or next(made for title in proposals(project.namespace) if (made := _called(project, title)))


def _called(project: Project, ae_title: str) -> ApplicationEntity | None:
    """None where another project has the title, if only since a moment."""
    try:
        with transaction.atomic():
            return ApplicationEntity.objects.get_or_create(project=project, defaults={"ae_title": ae_title})[0]
    except IntegrityError:
        return None


def rename(entity: ApplicationEntity, ae_title: str, *, by: User) -> None:
    """Devices call the project by another title from now on. Raises AeTitleTaken and ValidationError."""
    change = changed(entity.ae_title, ae_title)
    entity.ae_title = ae_title
    entity.clean_fields()
    try:
        with transaction.atomic():
            entity.save(update_fields=["ae_title"])
            record("dicom.ae_title_changed", actor=by.pk, project=entity.project_id, subject=entity, ae_title=change)
    except IntegrityError as error:
        raise AeTitleTaken(ae_title) from error


def list_devices(project: Project, devices: Sequence[Device], *, by: int | None) -> None:
    """Who is let in by DIMSE from now on, and nobody else. Raises ValidationError."""
    with transaction.atomic():
        listed = project.dicom_devices
        listed.exclude(ae_title__in=[device.ae_title for device in devices]).delete()
        for device in devices:
            _list(project, device)
        detail = {device.ae_title: device._asdict() for device in devices}
        record("dicom.devices_listed", actor=by, project=project.pk, subject=project, devices=detail)


def _list(project: Project, device: Device) -> None:
    row = DicomDevice.objects.filter(project=project, ae_title=device.ae_title).first()
    row = row or DicomDevice(project=project, ae_title=device.ae_title)
    row.address, row.may_retrieve = device.address, device.may_retrieve
    row.full_clean()
    row.save()
