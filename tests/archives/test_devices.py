"""AE titles: one for each project, unlike all others; and who is let in by DIMSE."""

from collections.abc import Callable
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.archives import devices
from apps.archives.ae_titles import proposals
from apps.archives.devices import AeTitleTaken, Device
from apps.archives.models import ApplicationEntity, DicomDevice
from apps.archives.services import destroy_archives, ensure_archive
from apps.audit.models import Entry
from apps.projects.models import Project

MakeProject = Callable[[str], Project]


@pytest.mark.parametrize(
    ("namespace", "titles"),
    [
        ("cardiac-mr", ["CARDIACMR", "CARDIACMR_2", "CARDIACMR_3"]),
        ("a" * 40, ["A" * 16, "A" * 14 + "_2", "A" * 14 + "_3"]),
        ("1st-try", ["1STTRY", "1STTRY_2", "1STTRY_3"]),
    ],
)
def test_titles_come_from_the_namespace(namespace: str, titles: list[str]) -> None:
    assert [title for title, _ in zip(proposals(namespace), titles, strict=False)] == titles


def test_an_archive_comes_with_a_title_that_no_other_project_has(make_project: MakeProject) -> None:
    for namespace in ("heart-one", "heart-on-e", "heartone"):
        ensure_archive(make_project(namespace))
        ensure_archive(Project.objects.get(namespace=namespace))
    titles = list(ApplicationEntity.objects.order_by("pk").values_list("ae_title", flat=True))
    assert titles == ["HEARTONE", "HEARTONE_2", "HEARTONE_3"]


def test_a_title_is_changed_and_audited(project: Project, alice: User) -> None:
    entity = devices.ensure_application_entity(project)
    devices.rename(entity, "MR_HEART", by=alice)
    assert ApplicationEntity.objects.get(project=project).ae_title == "MR_HEART"
    entry = Entry.objects.get(action="dicom.ae_title_changed")
    assert (entry.actor_pk, entry.project_pk) == (alice.pk, project.pk)
    assert entry.detail == {"ae_title": {"before": "CARDIACMR", "after": "MR_HEART"}}


@pytest.mark.parametrize("title", ["", "A" * 17, "A B", "A\\B", "Ä", "A;reboot", "A\n"])
def test_what_is_no_title(project: Project, alice: User, title: str) -> None:
    with pytest.raises(ValidationError):
        devices.rename(devices.ensure_application_entity(project), title, by=alice)
    assert ApplicationEntity.objects.get(project=project).ae_title == "CARDIACMR"


def test_a_title_that_another_project_has_in_whatever_case(
    project: Project, make_project: MakeProject, alice: User
) -> None:
    devices.ensure_application_entity(make_project("other"))
    with pytest.raises(AeTitleTaken):
        devices.rename(devices.ensure_application_entity(project), "Other", by=alice)
    assert not Entry.objects.filter(action="dicom.ae_title_changed").exists()


def test_devices_are_exactly_those_listed(project: Project, admin: User) -> None:
    devices.list_devices(project, [Device("CT", "10.0.0.1"), Device("MR", "10.0.0.2")], by=admin.pk)
    devices.list_devices(project, [Device("MR", "10.0.0.3", may_retrieve=True)], by=admin.pk)
    (device,) = DicomDevice.objects.filter(project=project)
    assert (device.ae_title, device.address, device.may_retrieve) == ("MR", "10.0.0.3", True)
    assert Entry.objects.filter(action="dicom.devices_listed", actor_pk=admin.pk).count() == 2


def test_one_that_is_none_changes_nothing(project: Project, admin: User) -> None:
    devices.list_devices(project, [Device("CT", "10.0.0.1")], by=admin.pk)
    with pytest.raises(ValidationError):
        devices.list_devices(project, [Device("MR", "10.0.0.2"), Device("PACS", "::1")], by=admin.pk)
    assert [str(one) for one in project.dicom_devices.all()] == ["CT at 10.0.0.1"]


def test_a_deleted_project_gives_its_title_back(project: Project, make_project: MakeProject, admin: User) -> None:
    ensure_archive(project)
    devices.list_devices(project, [Device("CT", "10.0.0.1")], by=admin.pk)
    destroy_archives(project)
    assert devices.ensure_application_entity(make_project("cardiacmr")).ae_title == "CARDIACMR"
    assert not DicomDevice.objects.exists()


def test_projects_from_before_get_their_titles(make_project: MakeProject) -> None:
    for namespace in ("heart-one", "heartone"):
        make_project(namespace)
    import_module("apps.archives.migrations.0006_titles_of_projects").call(apps, None)
    titles = dict(ApplicationEntity.objects.values_list("project__namespace", "ae_title"))
    assert titles == {"heart-one": "HEARTONE", "heartone": "HEARTONE_2"}
