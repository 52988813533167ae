"""Who may do what at the DICOMweb doors: by role, by session or token, and never for those outside."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives.models import Archive, Instance, StudyRead
from apps.archives.services import IncomingFile, store_files
from apps.audit.models import Entry
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from tests.archives.dicomweb import STOW_TYPE, Service, body_of, multipart, parts_of
from tests.conftest import PASSWORD
from tests.dicom import WrittenSeries, ct_series

METADATA = ("studies", "studies/{study}/series", "studies/{study}/metadata", "{instance}/metadata")
PIXELS = ("{instance}/frames/1", "{instance}/rendered", "{instance}/bulkdata/7FE00010", "studies/{study}/thumbnail")
WHOLE = ("studies/{study}", "{series}", "{instance}")


@pytest.fixture
def series(archive: Archive, alice: User, tmp_path: Path) -> WrittenSeries:
    written = ct_series(tmp_path / "source", slices=2)
    store_files(archive, [IncomingFile(path) for path in written.paths], by=alice)
    return written


@pytest.fixture
def addresses(series: WrittenSeries) -> Callable[[str], str]:
    place = f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
    names = {
        "study": series.study_instance_uid,
        "series": place,
        "instance": f"{place}/instances/{series.sop_instance_uids[0]}",
    }
    return lambda path: path.format(**names)


def by_token(user: User) -> Service:
    return Service.by_token(make_token(user, name="tests", days=1)[1])


def statuses(service: Service, paths: tuple[str, ...], addresses: Callable[[str], str]) -> set[int]:
    return {service.get(addresses(path)).status_code for path in paths}


def test_a_viewer_looks_but_takes_nothing_away(vera: User, addresses: Callable[[str], str]) -> None:
    assert statuses(Service.by_session(vera), METADATA + PIXELS, addresses) == {200}
    assert statuses(Service.by_session(vera), WHOLE, addresses) == {403}
    assert statuses(by_token(vera), METADATA, addresses) == {200}
    assert statuses(by_token(vera), PIXELS + WHOLE, addresses) == {403}


def test_an_owner_may_export(alice: User, addresses: Callable[[str], str]) -> None:
    for service in (Service.by_session(alice), by_token(alice)):
        assert statuses(service, METADATA + PIXELS + WHOLE, addresses) == {200}


def test_the_permission_is_given_to_a_person(vera: User, project: Project, addresses: Callable[[str], str]) -> None:
    Membership.objects.filter(user=vera, project=project).update(may_export=True)
    assert statuses(by_token(vera), PIXELS + WHOLE, addresses) == {200}


def test_outsiders_cannot_tell_it_from_nothing(charlie: User, approver: User, addresses: Callable[[str], str]) -> None:
    for user in (charlie, approver):
        for service in (Service.by_session(user), by_token(user)):
            assert statuses(service, METADATA + PIXELS + WHOLE, addresses) == {404}
            assert service.post(multipart([b"x"])).status_code == 404


def test_an_administrator_looks_as_a_viewer_does(admin: User, addresses: Callable[[str], str]) -> None:
    assert statuses(Service.by_session(admin), METADATA + PIXELS, addresses) == {200}
    assert statuses(Service.by_session(admin), WHOLE, addresses) == {403}
    assert Service.by_session(admin).post(multipart([b"x"])).status_code == 403


def test_strangers_are_asked_to_sign_in(addresses: Callable[[str], str]) -> None:
    for service in (Service(Client()), Service.by_token("maia_wrong")):
        for path in METADATA + PIXELS + WHOLE:
            response = service.get(addresses(path))
            assert response.status_code == 401
            assert response["WWW-Authenticate"].startswith("Bearer")
        assert service.post(multipart([b"x"])).status_code == 401


def test_who_follows_a_link_signs_in_and_comes_back(addresses: Callable[[str], str], alice: User) -> None:
    client = Client()
    zipped = f"{Service(client).root}/{addresses('studies/{study}')}?accept=application/zip"
    asked = client.get(zipped, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, follow=True)
    assert asked.redirect_chain[0][1] == 302
    assert [value for key, value in parse_qsl(urlsplit(asked.redirect_chain[0][0]).query) if key == "next"] == [zipped]
    there = client.post(asked.redirect_chain[-1][0], {"login": alice.email, "password": PASSWORD})
    assert there["Location"] == zipped
    assert client.get(zipped)["Content-Type"] == "application/zip"


@pytest.mark.parametrize("accept", ["*/*", "application/zip", "image/avif,image/webp,*/*;q=0.8", ""])
def test_programs_are_told_in_json(addresses: Callable[[str], str], accept: str) -> None:
    answer = Service(Client()).get(f"{addresses('studies/{study}')}?accept=application/zip", accept)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")
    assert "Sign in" in answer.json()["detail"]


def test_members_store_and_viewers_do_not(archive: Archive, bob: User, vera: User, tmp_path: Path) -> None:
    body = multipart([ct_series(tmp_path / "one", slices=1).paths[0].read_bytes()])
    for service in (Service.by_session(vera), by_token(vera)):
        response = service.post(body)
        assert response.status_code == 403
        assert response.json()["detail"]
    assert Instance.objects.count() == 0
    assert by_token(bob).post(body).status_code == 200
    assert Service.by_session(bob).post(body).status_code == 200


def test_a_session_stores_only_with_its_csrf_token(archive: Archive, bob: User, tmp_path: Path) -> None:
    body = multipart([ct_series(tmp_path / "one", slices=1).paths[0].read_bytes()])
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)
    address = reverse("archives:studies", kwargs={"namespace": "cardiac-mr"})
    assert browser.post(address, body, content_type=STOW_TYPE).status_code == 403
    browser.get(reverse("accounts:account"))
    token = browser.cookies["csrftoken"].value
    response = browser.post(address, body, content_type=STOW_TYPE, headers={"X-CSRFToken": token})
    assert response.status_code == 200
    program = Client(enforce_csrf_checks=True)
    bearer = {"Authorization": f"Bearer {make_token(bob, name='x', days=1)[1]}"}
    assert program.post(address, body, content_type=STOW_TYPE, headers=bearer).status_code == 200


@pytest.mark.parametrize("path", [*METADATA, *PIXELS, *WHOLE])
def test_wrong_methods_are_refused(alice: User, addresses: Callable[[str], str], path: str) -> None:
    service = by_token(alice)
    for method in ("put", "patch", *(() if path in WHOLE else ("delete",))):
        response = getattr(service.client, method)(f"{service.root}/{addresses(path)}", headers=service.headers)
        assert response.status_code == 405
        assert "GET" in response["Allow"]
    if path not in ("studies", "studies/{study}"):
        assert service.post(b"", addresses(path)).status_code == 405


def test_one_project_does_not_show_another(
    alice: User, make_project: Callable[[str], Project], addresses: Callable[[str], str]
) -> None:
    other = make_project("other")
    ensure_member(other, alice, role=Membership.Role.OWNER)
    Archive.objects.create(project=other, name="images", is_default=True)
    service = by_token(alice)
    service.root = "/projects/other/dicomweb"
    assert service.search("studies") == []
    assert statuses(service, METADATA[2:] + PIXELS + WHOLE, addresses) == {404}


def test_archives_have_addresses_of_their_own(
    archive: Archive, alice: User, series: WrittenSeries, addresses: Callable[[str], str]
) -> None:
    service = by_token(alice)
    second = Archive.objects.create(project=archive.project, name="second")
    service.root = f"/projects/cardiac-mr/archives/{archive.name}/dicomweb"
    found = service.search("studies")
    assert found[0]["00081190"]["Value"][0].startswith(f"http://testserver{service.root}/studies/")
    assert statuses(service, METADATA + PIXELS + WHOLE, addresses) == {200}
    service.root = f"/projects/cardiac-mr/archives/{second.name}/dicomweb"
    assert service.search("studies") == []
    assert statuses(service, PIXELS + WHOLE, addresses) == {404}
    assert service.store([series.paths[0].read_bytes()]).status_code == 200
    assert Instance.objects.filter(archive=second).count() == 1
    service.root = "/projects/cardiac-mr/archives/third/dicomweb"
    assert service.get("studies").status_code == 404


def test_looking_is_audited_once_an_hour_and_study(vera: User, addresses: Callable[[str], str]) -> None:
    service = Service.by_session(vera)
    for path in (*PIXELS, *PIXELS, METADATA[3]):
        service.get(addresses(path))
    entry = Entry.objects.get(action="images.viewed")
    assert (entry.actor_pk, entry.subject_type) == (vera.pk, "archives.study")
    assert StudyRead.objects.get().kind == StudyRead.Kind.VIEWED


def test_searching_reads_no_images(vera: User, addresses: Callable[[str], str]) -> None:
    Service.by_session(vera).search("studies")
    assert not Entry.objects.filter(action="images.viewed").exists()


def test_taking_away_is_audited_each_time(alice: User, addresses: Callable[[str], str]) -> None:
    service = by_token(alice)
    for path in WHOLE:
        assert parts_of(service.get(addresses(path)))
    subjects = Entry.objects.filter(action="images.exported").values_list("subject_type", flat=True)
    assert sorted(subjects) == ["archives.instance", "archives.series", "archives.study"]
    for _ in range(3):
        body_of(service.get(addresses(PIXELS[0])))
    assert Entry.objects.filter(action="images.exported").count() == 4


def test_nothing_of_a_patient_is_in_the_audit(alice: User, addresses: Callable[[str], str]) -> None:
    service = by_token(alice)
    for path in METADATA + PIXELS + WHOLE:
        body_of(service.get(addresses(path)))
    assert all("Phantom" not in str(entry) and "TEST-1" not in str(entry) for entry in Entry.objects.values())
