"""The page of a project's archives: who sees what of them, who adds, changes and takes out, and what never shows."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import registering, services, tasks
from apps.archives.models import Archive, Instance, RemoteServer, Study
from apps.archives.registering import Place
from apps.audit.models import Entry
from apps.projects.models import Project
from tests.conftest import ClientOf
from tests.dicom import ct_series
from tests.integrations.dicomweb_server import PASSWORD, USERNAME, TwinDicomWeb, running_dicomweb
from tests.integrations.orthanc import PASSWORD as ORTHANC_PASSWORD
from tests.integrations.orthanc import running_twin
from tests.queries import cost_of

SECRET = "a secret that nobody may see"
ADDRESS = "https://pacs.hospital.example/dicom-web"
PAGE = "/projects/cardiac-mr/archives/"
FORM = {"name": "pacs", "kind": "dicomweb", "address": f"{ADDRESS}/", "username": "portal", "password": SECRET}


@pytest.fixture
def twin() -> Iterator[TwinDicomWeb]:
    with running_dicomweb() as running:
        yield running


@pytest.fixture
def remote(archive: Archive, alice: User) -> Archive:
    place = Place(ADDRESS, "portal", SECRET)
    return registering.add(archive.project, name="pacs", kind=Archive.Kind.DICOMWEB, place=place, by=alice)


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_who_manages_adds_an_archive_and_its_password_never_shows(
    request: pytest.FixtureRequest, archive: Archive, client_of: ClientOf, who: str
) -> None:
    client = client_of(request.getfixturevalue(who))
    assert client.get(f"{PAGE}add/").status_code == 200
    assert client.post(f"{PAGE}add/", FORM)["Location"] == PAGE
    added = Archive.objects.get(name="pacs")
    server = RemoteServer.objects.get(archive=added)
    assert (added.kind, added.is_default, server.is_entered) == ("dicomweb", False, True)
    assert (server.address, server.username, server.password) == (ADDRESS, "portal", SECRET)
    for page in (PAGE, f"{PAGE}pacs/", f"{PAGE}pacs/take-out/"):
        text = client.get(page).text
        assert SECRET not in text
    assert ADDRESS in client.get(PAGE).text
    assert "Not looked at yet" in client.get(PAGE).text
    assert Entry.objects.get(action="archive.added").detail == {"kind": "dicomweb"}


def test_viewers_and_members_see_the_state_and_no_address(
    remote: Archive, bob: User, vera: User, client_of: ClientOf
) -> None:
    RemoteServer.objects.update(unreachable_since=timezone.now(), complaint="It leads to 10.1.2.3.")
    for person in (bob, vera):
        text = client_of(person).get(PAGE).text
        assert "Does not answer" in text
        for hidden in (ADDRESS, "portal@", "It leads", "Take out", "as portal"):
            assert hidden not in text


def test_others_may_not(remote: Archive, bob: User, charlie: User, client_of: ClientOf) -> None:
    sent = {"add/": FORM, "pacs/": FORM, "pacs/default/": {}, "pacs/look/": {}, "pacs/take-out/": {}}
    for end, form in sent.items():
        assert client_of(bob).post(f"{PAGE}{end}", form).status_code == 403
        assert client_of(charlie).post(f"{PAGE}{end}", form).status_code == 404
    assert Archive.objects.filter(removed_at=None).count() == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "images"}, "itself uses this name"),
        ({"name": "../x"}, "valid"),
        ({"kind": "nothing"}, "valid choice"),
        ({"kind": "built-in"}, "neither address nor credentials"),
        ({"address": ""}, "address of its server"),
        ({"address": "file:///etc/passwd"}, "begins with http"),
        ({"address": "https://me:pw@pacs.example"}, "own fields"),
        ({"username": "a:b"}, "no colon"),
        ({"password": "two\nlines"}, "one line"),
        ({"username": "", "password": "tökén"}, "plain letters"),
        ({"is_default": "on"}, "no field"),
    ],
)
def test_a_form_that_cannot_be_comes_back_with_a_sentence(
    archive: Archive, alice: User, client_of: ClientOf, changes: dict[str, str], words: str
) -> None:
    answer = client_of(alice).post(f"{PAGE}add/", {**FORM, **changes})
    assert answer.status_code == 200
    assert words in answer.text
    assert SECRET not in answer.text
    assert Archive.objects.count() == 1


def test_a_name_is_given_once(remote: Archive, alice: User, client_of: ClientOf) -> None:
    assert "choose another" in client_of(alice).post(f"{PAGE}add/", FORM).text
    assert Archive.objects.count() == 2


def test_a_store_of_the_portal_s_own_may_be_added(archive: Archive, alice: User, client_of: ClientOf) -> None:
    client_of(alice).post(f"{PAGE}add/", {"name": "second", "kind": "built-in"})
    second = Archive.objects.get(name="second")
    assert not RemoteServer.objects.exists()
    assert services.refresh(second)


def test_credentials_stay_or_are_replaced(remote: Archive, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    same = {"address": ADDRESS, "username": "portal", "password": ""}
    assert client.post(f"{PAGE}pacs/", same).status_code == 302
    assert RemoteServer.objects.get().password == SECRET
    assert client.post(f"{PAGE}pacs/", {**same, "password": "another"}).status_code == 302
    assert RemoteServer.objects.get().password == "another"


@pytest.mark.parametrize("changes", [{"address": "https://attacker.example"}, {"username": "somebody"}])
def test_kept_credentials_go_nowhere_else(
    remote: Archive, alice: User, client_of: ClientOf, changes: dict[str, str]
) -> None:
    form = {"address": ADDRESS, "username": "portal", "password": "", **changes}
    answer = client_of(alice).post(f"{PAGE}pacs/", form)
    assert "Give it again" in answer.text
    assert RemoteServer.objects.get().address == ADDRESS


def test_a_token_does_not_follow_its_archive_elsewhere(archive: Archive, alice: User, client_of: ClientOf) -> None:
    place = Place(ADDRESS, "", SECRET)
    registering.add(archive.project, name="pacs", kind=Archive.Kind.DICOMWEB, place=place, by=alice)
    client_of(alice).post(f"{PAGE}pacs/", {"address": "https://other.example", "username": "", "password": ""})
    server = RemoteServer.objects.get()
    assert (server.address, server.password) == ("https://other.example", "")


def test_another_archive_becomes_the_default(
    remote: Archive, archive: Archive, alice: User, client_of: ClientOf
) -> None:
    for _ in range(2):
        assert client_of(alice).post(f"{PAGE}pacs/default/").status_code == 302
    assert Archive.objects.get(is_default=True) == remote
    assert Entry.objects.filter(action="archive.made_default").count() == 1
    assert client_of(alice).get("/projects/cardiac-mr/data/").status_code == 200


def test_what_was_taken_out_meanwhile_neither_changes_nor_becomes_the_default(
    remote: Archive, archive: Archive, alice: User
) -> None:
    registering.take_out(Archive.objects.get(pk=remote.pk), by=alice)
    registering.make_default(remote, by=alice)
    assert Archive.objects.get(is_default=True) == archive
    with pytest.raises(registering.StaysInPortal):
        registering.change(remote, Place(ADDRESS), by=alice)


def test_what_provisioning_repeats_leaves_the_chosen_default(project: Project, alice: User) -> None:
    from apps.integrations.kubernetes.route import Route

    own = {"route": Route("http://10.96.3.4:8042"), "username": "portal", "password": "p"}
    services.ensure_remote_archive(project, **own)
    chosen = registering.add(project, name="pacs", kind=Archive.Kind.DICOMWEB, place=Place(ADDRESS), by=alice)
    registering.make_default(chosen, by=alice)
    services.ensure_remote_archive(project, **own)
    assert Archive.objects.get(is_default=True) == chosen


def test_an_archive_is_looked_at_indexed_and_taken_out(
    archive: Archive, alice: User, client_of: ClientOf, twin: TwinDicomWeb, tmp_path: Path, settings: Settings
) -> None:
    settings.ARCHIVES_DIR, settings.OBJECT_CACHE_DIR = tmp_path / "archives", tmp_path / "object-cache"
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    for path in ct_series(tmp_path / "1", slices=2).paths:
        twin.put(path.read_bytes())
    client = client_of(alice)
    client.post(f"{PAGE}add/", {**FORM, "address": twin.url, "username": USERNAME, "password": PASSWORD})
    added = Archive.objects.get(name="pacs")
    tasks.refresh_one(added.pk)
    text = client.get(PAGE).text
    for words in ("Answers", "as of", "frames", "store", "delete"):
        assert words in text
    assert Instance.objects.filter(archive=added).count() == 2
    assert client.post(f"{PAGE}pacs/look/").status_code == 302
    assert client.post(f"{PAGE}pacs/take-out/").status_code == 302
    assert not RemoteServer.objects.exists()
    tasks.sweep()
    assert not Study.objects.filter(archive=added).exists()
    assert len(twin.objects) == 2
    assert not [request for request in twin.requests if request.startswith("DELETE")]
    assert "pacs" not in client.get(PAGE).text.replace("pacs is taken out", "")
    assert client.get(f"{PAGE}pacs/").status_code == 404
    assert client.post(f"{PAGE}add/", FORM).status_code == 302


def test_an_orthanc_is_followed_by_its_change_log_and_where_it_leads_is_checked(
    archive: Archive, alice: User, client_of: ClientOf, tmp_path: Path, settings: Settings
) -> None:
    settings.ARCHIVES_DIR, settings.OBJECT_CACHE_DIR = tmp_path / "archives", tmp_path / "object-cache"
    with running_twin() as orthanc:
        form = {
            "name": "lab",
            "kind": "orthanc",
            "address": orthanc.url,
            "username": "portal",
            "password": ORTHANC_PASSWORD,
        }
        assert client_of(alice).post(f"{PAGE}add/", form).status_code == 302
        lab = Archive.objects.get(name="lab")
        with pytest.raises(services.ArchiveUnreachable):
            tasks.refresh_one(lab.pk)
        assert orthanc.requests == []
        assert "administrator can allow its network" in client_of(alice).get(PAGE).text
        settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
        for path in ct_series(tmp_path / "1", slices=2).paths:
            orthanc.put(path.read_bytes())
        client_of(alice).post(f"{PAGE}lab/look/")
        tasks.refresh_one(lab.pk)
        assert Instance.objects.filter(archive=lab).count() == 2
        assert "Answers" in client_of(alice).get(PAGE).text


def test_the_default_and_what_the_portal_keeps_are_not_taken_out(
    archive: Archive, remote: Archive, alice: User, client_of: ClientOf
) -> None:
    client = client_of(alice)
    assert "default archive" in client.post(f"{PAGE}{archive.name}/take-out/", follow=True).text
    registering.make_default(remote, by=alice)
    assert "itself sets up" in client.post(f"{PAGE}{archive.name}/take-out/", follow=True).text
    assert client.get(f"{PAGE}{archive.name}/")["Location"] == PAGE
    assert Archive.objects.filter(removed_at=None).count() == 2


def test_ten_more_archives_cost_no_more_queries(remote: Archive, alice: User, client: Client) -> None:
    client.force_login(alice)
    few = cost_of(client, PAGE)
    for number in range(10):
        registering.add(
            remote.project, name=f"pacs-{number}", kind=Archive.Kind.DICOMWEB, place=Place(ADDRESS), by=alice
        )
    assert cost_of(client, PAGE) == few
