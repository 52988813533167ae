"""The DICOM page: lines that work for this project and this person, the AE title, and a test of the connection."""

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.devices import Device, ensure_application_entity, list_devices
from apps.archives.models import ApplicationEntity, Archive
from apps.archives.services import ArchiveUnreachable
from apps.audit.models import Entry
from apps.datasets import tasks
from apps.datasets.dicom import connections
from apps.datasets.models import ConnectionTest
from apps.integrations.dimse.client import Echo
from apps.projects.lifecycle import suspend
from apps.projects.models import Project
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries
from tests.queries import cost_of

PAGE = "/projects/cardiac-mr/dicom/"


@pytest.fixture
def with_dimse(archive: Archive, admin: User, settings: Any) -> None:
    settings.DIMSE_PORT = 11112
    settings.PUBLIC_URL = "https://portal.example"
    list_devices(archive.project, [Device("SCANNER", "10.1.2.3")], by=admin.pk)


def shown(client: Client, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def ask(client: Client) -> None:
    assert client.post(reverse("datasets:test_connection", args=["cardiac-mr"])).status_code == 302


def answer_of(archive: Archive) -> list[dict[str, Any]]:
    tasks.test_connection(ConnectionTest.objects.get(project=archive.project_id).pk)
    answers: list[dict[str, Any]] = ConnectionTest.objects.get(project=archive.project_id).answers
    return answers


def test_an_owner_sees_lines_for_all_that_may_be_done(
    with_dimse: None, stored_ct: WrittenSeries, alice: User, client_of: ClientOf
) -> None:
    page = shown(client_of(alice))
    for line in (
        "curl --fail",
        "store instances IMAGE.dcm",
        f"retrieve studies --study {stored_ct.study_instance_uid} full",
        f'importFromDICOMWeb("https://portal.example/projects/cardiac-mr/dicomweb", "{stored_ct.study_instance_uid}"',
        "echoscu -aet SCANNER -aec CARDIACMR portal.example 11112",
        "storescu -aet SCANNER -aec CARDIACMR portal.example 11112 +sd +r FOLDER",
        "python3 -m pynetdicom storescu",
        "SCANNER",
        "10.1.2.3",
    ):
        assert line in page


def test_lines_that_fetch_are_for_devices_that_may(
    with_dimse: None, stored_ct: WrittenSeries, archive: Archive, alice: User, admin: User, client_of: ClientOf
) -> None:
    client = client_of(alice)
    page = shown(client)
    assert "findscu" not in page
    assert "getscu" not in page
    devices = [Device("SCANNER", "10.1.2.3"), Device("READER", "10.1.2.4", may_retrieve=True)]
    list_devices(archive.project, devices, by=admin.pk)
    page = shown(client)
    assert "findscu -S -aet READER -aec CARDIACMR portal.example 11112 -k QueryRetrieveLevel=STUDY" in page
    assert f"-od FOLDER -k QueryRetrieveLevel=STUDY -k StudyInstanceUID={stored_ct.study_instance_uid}" in page


def test_a_viewer_sees_only_what_a_viewer_may(
    with_dimse: None, stored_ct: WrittenSeries, vera: User, client_of: ClientOf
) -> None:
    page = shown(client_of(vera))
    assert "search studies" in page
    for word in ("store instances", "retrieve studies", "importFromDICOMWeb", "storescu", "Change the AE title"):
        assert word not in page
    assert "Test connection" not in page


def test_a_project_at_rest_shows_no_line_that_stores(
    with_dimse: None, alice: User, admin: User, client_of: ClientOf, project: Project
) -> None:
    suspend(project, by=admin, why="Pause")
    page = shown(client_of(alice))
    assert "store instances" not in page
    assert "storescu" not in page


def test_without_a_port_or_a_device_the_page_says_who_opens_one(
    archive: Archive, alice: User, client_of: ClientOf, settings: Any
) -> None:
    assert "No DIMSE port is open" in shown(client_of(alice))
    settings.DIMSE_PORT = 11112
    assert "No device may send" in shown(client_of(alice))


def test_an_owner_changes_the_title(with_dimse: None, alice: User, client_of: ClientOf) -> None:
    answer = client_of(alice).post(f"{PAGE}title/", {"ae_title": "MR_HEART"}, follow=True)
    assert "The AE title is changed." in answer.text
    assert "-aec MR_HEART" in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("SECOND", "Another project of this portal has the AE title SECOND."),
        ("second", "Another project of this portal has the AE title second."),
        ("A B", "An AE title has up to 16 letters"),
        ("A" * 17, "at most 16 characters"),
        ("", "This field is required"),
    ],
)
def test_a_title_that_cannot_be(
    archive: Archive, make_project: Any, alice: User, client_of: ClientOf, title: str, sentence: str
) -> None:
    ensure_application_entity(make_project("second"))
    answer = client_of(alice).post(f"{PAGE}title/", {"ae_title": title})
    assert answer.status_code == 200
    assert sentence in html.unescape(answer.text)
    assert ApplicationEntity.objects.get(project=archive.project).ae_title == "CARDIACMR"


def test_the_connection_is_tested_in_a_task(
    with_dimse: None, stored_ct: WrittenSeries, archive: Archive, bob: User, client_of: ClientOf, monkeypatch: Any
) -> None:
    asked: list[Any] = []

    def echo(*where: object, **titles: str) -> Echo:
        asked.append((*where, titles))
        return Echo.ANSWERED

    monkeypatch.setattr(connections, "echo", echo)
    client = client_of(bob)
    ask(client)
    assert "Being tested" in shown(client)
    assert asked == []
    search, answer = answer_of(archive)
    titles = {"called_ae_title": "CARDIACMR", "calling_ae_title": "SCANNER"}
    assert asked == [("portal.example", 11112, titles)]
    assert (search["name"], search["is_good"], search["sentence"]) == ("QIDO-RS", True, "1 study found.")
    assert (answer["name"], answer["is_good"], answer["sentence"]) == ("C-ECHO", True, "It lets this portal in.")
    part = shown(client, f"{PAGE}connection/")
    assert "1 study found." in part
    assert f"{search['milliseconds']} ms" in part
    assert "hx-get" not in part
    assert Entry.objects.get(action="archive.connection_tested").actor_pk == bob.pk


def test_who_asks_twice_gets_one_test_and_answering_twice_is_once(
    archive: Archive, bob: User, client_of: ClientOf
) -> None:
    client = client_of(bob)
    ask(client)
    ask(client)
    first = answer_of(archive)
    assert answer_of(archive) == first
    ask(client)
    assert ConnectionTest.objects.get().answered_at is None


@pytest.mark.faults
def test_what_does_not_answer_is_said(
    with_dimse: None, archive: Archive, bob: User, client_of: ClientOf, monkeypatch: Any
) -> None:
    def away(_: Archive) -> None:
        raise ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr(connections, "probe", away)
    monkeypatch.setattr(connections, "echo", lambda *_, **__: Echo.SILENT)
    client = client_of(bob)
    ask(client)
    assert [answer["is_good"] for answer in answer_of(archive)] == [False, False]
    part = shown(client, f"{PAGE}connection/")
    assert "The archive does not answer." in part
    assert "Nothing answers there." in part


@pytest.mark.faults
def test_a_test_whose_bell_was_lost_is_rung_again(
    archive: Archive, bob: User, client_of: ClientOf, monkeypatch: Any
) -> None:
    ask(client_of(bob))
    rung: list[tuple[object, ...]] = []
    monkeypatch.setattr(connections, "ring", lambda *bell: rung.append(bell))
    connections.sweep()
    assert rung == [("datasets.test_connection", ConnectionTest.objects.get().pk)]


def test_what_was_asked_long_ago_is_forgotten(archive: Archive, bob: User, client_of: ClientOf) -> None:
    ask(client_of(bob))
    ConnectionTest.objects.update(asked_at=timezone.now() - timedelta(days=2))
    connections.sweep()
    assert not ConnectionTest.objects.exists()


def test_more_devices_cost_no_more_queries(
    with_dimse: None, stored_ct: WrittenSeries, archive: Archive, alice: User, admin: User, client_of: ClientOf
) -> None:
    before = cost_of(client_of(alice), PAGE)
    many = [Device(f"DEVICE{number}", f"10.1.2.{number}") for number in range(1, 12)]
    list_devices(archive.project, many, by=admin.pk)
    assert cost_of(client_of(alice), PAGE) == before
