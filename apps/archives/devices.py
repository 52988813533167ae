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


def list_device(project: Project, device: Device, *, by: User) -> None:
    """It is let in from now on, beside the others; one of the same title is changed. Raises ValidationError."""
    with transaction.atomic():
        former = project.dicom_devices.filter(ae_title=device.ae_title).first()
        row = _list(project, device)
        change = changed(_as_listed(former) if former else None, _as_listed(row))
        record("dicom.device_listed", actor=by.pk, project=project.pk, subject=row, device=change)


def remove_device(device: DicomDevice, *, by: User) -> None:
    """It is not let in any more."""
    with transaction.atomic():
        record(
            "dicom.device_removed", actor=by.pk, project=device.project_id, subject=device, device=_as_listed(device)
        )
        device.delete()


def _as_listed(row: DicomDevice) -> dict[str, object]:
    return Device(row.ae_title, row.address, row.may_retrieve)._asdict()


def _list(project: Project, device: Device) -> DicomDevice:
    how = {"address": device.address, "may_retrieve": device.may_retrieve}
    DicomDevice(project=project, ae_title=device.ae_title, **how).clean_fields()
    return DicomDevice.objects.update_or_create(project=project, ae_title=device.ae_title, defaults=how)[0]
