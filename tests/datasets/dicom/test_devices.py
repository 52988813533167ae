"""Administrators let devices in on the DICOM page, one by one."""

import html
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.archives.devices import Device, list_devices
from apps.archives.models import Archive, DicomDevice
from apps.audit.models import Entry
from apps.clusters.models import Placement
from apps.projects.models import Project
from tests.clusters.rows import make_cluster
from tests.conftest import ClientOf

PAGE = "/projects/cardiac-mr/dicom/"
SCANNER = {"calling_ae_title": "SCANNER", "address": "10.1.2.3", "may": "send"}


@pytest.fixture
def console(archive: Archive, admin: User, client_of: ClientOf) -> Client:
    return client_of(admin)


def listed(project: Project) -> list[tuple[str, str, bool]]:
    return list(DicomDevice.objects.filter(project=project).values_list("ae_title", "address", "may_retrieve"))


def test_one_is_let_in_beside_the_others(console: Client, project: Project, admin: User) -> None:
    list_devices(project, [Device("CT", "10.0.0.1")], by=admin.pk)
    page = console.post(f"{PAGE}devices/", {**SCANNER, "may": "retrieve"}, follow=True).text
    assert "SCANNER may reach the project from 10.1.2.3." in page
    assert "send, search, fetch" in page
    assert listed(project) == [("CT", "10.0.0.1", False), ("SCANNER", "10.1.2.3", True)]
    entry = Entry.objects.get(action="dicom.device_listed")
    assert (entry.actor_pk, entry.project_pk) == (admin.pk, project.pk)
    after = {"ae_title": "SCANNER", "address": "10.1.2.3", "may_retrieve": True}
    assert entry.detail == {"device": {"before": None, "after": after}}


def test_a_title_that_is_listed_is_changed(console: Client, project: Project) -> None:
    console.post(f"{PAGE}devices/", {**SCANNER, "may": "retrieve"})
    console.post(f"{PAGE}devices/", {**SCANNER, "address": "10.1.2.9"})
    assert listed(project) == [("SCANNER", "10.1.2.9", False)]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("calling_ae_title", "", "This field is required."),
        ("calling_ae_title", "A B", "An AE title has up to 16 letters"),
        ("calling_ae_title", "A" * 17, "at most 16 characters"),
        ("calling_ae_title", "<script>", "An AE title has up to 16 letters"),
        ("address", "::1", "Enter a valid IPv4 address."),
        ("address", "scanner.example", "Enter a valid IPv4 address."),
        ("may", "everything", "is not one of the available choices"),
        ("extra", "1", "This form has no field 'extra'"),
    ],
)
def test_what_is_no_device(console: Client, project: Project, field: str, value: str, sentence: str) -> None:
    answer = console.post(f"{PAGE}devices/", {**SCANNER, field: value})
    assert answer.status_code == 200
    assert sentence in html.unescape(answer.text)
    assert listed(project) == []


def test_one_is_removed(console: Client, project: Project, admin: User) -> None:
    list_devices(project, [Device("CT", "10.0.0.1"), Device("MR", "10.0.0.2")], by=admin.pk)
    address = f"{PAGE}devices/{project.dicom_devices.get(ae_title='CT').pk}/remove/"
    assert "CT is not let in any more." in console.post(address, follow=True).text
    assert listed(project) == [("MR", "10.0.0.2", False)]
    assert Entry.objects.get(action="dicom.device_removed").detail["device"]["ae_title"] == "CT"
    assert console.post(address).status_code == 404


def test_one_of_another_project_is_not_found(console: Client, make_project: Any, admin: User) -> None:
    other = make_project("other")
    list_devices(other, [Device("CT", "10.0.0.1")], by=admin.pk)
    assert console.post(f"{PAGE}devices/{other.dicom_devices.get().pk}/remove/").status_code == 404
    assert listed(other) == [("CT", "10.0.0.1", False)]


def test_owners_see_who_is_let_in_and_no_form(archive: Archive, alice: User, admin: User, client_of: ClientOf) -> None:
    list_devices(archive.project, [Device("CT", "10.0.0.1")], by=admin.pk)
    page = client_of(alice).get(PAGE).text
    assert "10.0.0.1" in page
    assert "Let a device in" not in page
    assert "Remove CT" not in page


def test_a_cluster_hears_of_it(console: Client, project: Project, monkeypatch: Any) -> None:
    placement = Placement.objects.create(project=project, cluster=make_cluster("main"))
    rung: list[tuple[object, ...]] = []
    monkeypatch.setattr("apps.workspaces.services.ring", lambda *bell: rung.append(bell))
    console.post(f"{PAGE}devices/", SCANNER)
    console.post(f"{PAGE}devices/{project.dicom_devices.get().pk}/remove/")
    assert rung == [("workspaces.reconcile", placement.cluster_id)] * 2
