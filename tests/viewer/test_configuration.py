"""What OHIF is told: where the images of this person are, and nothing of others."""

import json
from collections.abc import Callable
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import ensure_archive
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from tests.conftest import ClientOf
from tests.queries import cost_of


def told(client: Client) -> dict[str, Any]:
    response = client.get("/viewer/app-config.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    text = response.content.decode()
    configuration: dict[str, Any] = json.JSONDecoder().raw_decode(text.removeprefix("window.config = "))[0]
    return configuration


def names(client: Client) -> list[str]:
    return [source["sourceName"] for source in told(client)["dataSources"]]


def test_the_images_of_a_project_are_at_its_own_address(archive: Archive, client_of: ClientOf, vera: User) -> None:
    configuration = told(client_of(vera))
    [source] = configuration["dataSources"]
    assert configuration["defaultDataSourceName"] == source["sourceName"] == "cardiac-mr"
    roots = {source["configuration"][name] for name in ("qidoRoot", "wadoRoot", "wadoUriRoot")}
    assert roots == {"/projects/cardiac-mr/dicomweb"}


def test_a_segmentation_is_read_frame_by_frame(archive: Archive, client_of: ClientOf, vera: User) -> None:
    """Whole objects are for those who may export."""
    [source] = told(client_of(vera))["dataSources"]
    assert source["configuration"]["loadMultiframeAsPart10"] is False


def test_no_key_of_the_session_is_in_it(archive: Archive, client_of: ClientOf, vera: User) -> None:
    client = client_of(vera)
    text = client.get("/viewer/app-config.js").content.decode()
    assert client.cookies["sessionid"].value not in text
    assert "uthorization" not in text


def test_each_person_is_told_of_their_own_projects(
    archive: Archive,
    make_project: Callable[[str], Project],
    client_of: ClientOf,
    alice: User,
    bob: User,
    charlie: User,
    admin: User,
) -> None:
    atlas = make_project("atlas")
    ensure_archive(atlas)
    ensure_member(atlas, alice, role=Membership.Role.OWNER)
    assert names(client_of(alice)) == names(client_of(admin)) == ["atlas", "cardiac-mr"]
    assert names(client_of(bob)) == ["cardiac-mr"]
    assert names(client_of(charlie)) == []


def test_a_project_without_an_archive_is_left_out(project: Project, client_of: ClientOf, bob: User) -> None:
    assert names(client_of(bob)) == []


def test_each_archive_of_a_project_is_at_its_own_address(archive: Archive, client_of: ClientOf, vera: User) -> None:
    Archive.objects.create(project=archive.project, name="pacs", kind=Archive.Kind.DICOMWEB)
    Archive.objects.create(project=archive.project, name="gone", removed_at=timezone.now())
    first, second = told(client_of(vera))["dataSources"]
    assert (first["sourceName"], second["sourceName"]) == ("cardiac-mr", "cardiac-mr~pacs")
    root = second["configuration"]["wadoRoot"]
    assert root == second["configuration"]["qidoRoot"] == "/projects/cardiac-mr/archives/pacs/dicomweb"
    assert second["configuration"]["friendlyName"].endswith(", pacs")


def test_a_name_cannot_become_a_script(archive: Archive, client_of: ClientOf, bob: User) -> None:
    name = '"}];alert(1);//</script>\u2028'
    Project.objects.update(name=name)
    [source] = told(client_of(bob))["dataSources"]
    assert source["configuration"]["friendlyName"] == name


def test_more_projects_cost_no_more_queries(
    archive: Archive, make_project: Callable[[str], Project], client_of: ClientOf, admin: User
) -> None:
    client = client_of(admin)
    few = cost_of(client, "/viewer/app-config.js")
    for number in range(10):
        ensure_archive(make_project(f"more-{number}"))
    assert cost_of(client, "/viewer/app-config.js") == few
