"""OHIF as the portal serves it: its one document, its files, and what a browser lets it do."""

import base64
import hashlib
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Archive
from tests.conftest import ClientOf
from tests.viewer.release import BUNDLE, INDEX, SCRIPT

HEADER = "Content-Security-Policy"


@pytest.fixture
def bobs(client_of: ClientOf, bob: User, archive: Archive) -> Client:
    return client_of(bob)


def directives(response: HttpResponse) -> dict[str, list[str]]:
    return {name: sources for name, *sources in map(str.split, response[HEADER].split(";"))}


def body(response: HttpResponse) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["", "viewer/cardiac-mr?StudyInstanceUIDs=1.2.3", "segmentation/cardiac-mr", "local"])
def test_every_page_of_ohif_is_its_one_document(ohif: Path, bobs: Client, path: str) -> None:
    response = bobs.get(f"/viewer/{path}")
    assert response.status_code == 200
    assert response.content.decode() == INDEX
    assert response["Cache-Control"] == "no-store"


def test_without_the_last_slash_it_is_found(ohif: Path, bobs: Client) -> None:
    assert bobs.get("/viewer")["Location"] == "/viewer/"


def test_the_document_runs_its_own_scripts_and_reaches_no_other_host(ohif: Path, bobs: Client) -> None:
    policy = directives(bobs.get("/viewer/"))
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert policy["script-src"] == ["'self'", "'unsafe-eval'", f"'sha256-{digest}'"]
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    sources = {source for sources in policy.values() for source in sources}
    own = {"'self'", "'none'", "'unsafe-eval'", "'unsafe-inline'", "data:", "blob:", f"'sha256-{digest}'"}
    assert sources <= own
    assert "'unsafe-inline'" not in policy["script-src"]


def test_a_file_with_its_hash_in_its_name_is_kept(ohif: Path, bobs: Client) -> None:
    response = bobs.get(f"/viewer/{BUNDLE}")
    assert response["Content-Type"] == 'text/javascript; charset="utf-8"'
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert body(response) == (ohif / BUNDLE).read_bytes()


def test_a_worker_is_held_to_a_policy_of_its_own(ohif: Path, bobs: Client) -> None:
    assert directives(bobs.get(f"/viewer/{BUNDLE}"))["connect-src"] == ["'self'", "blob:"]


def test_it_comes_compressed_to_who_can_read_that(ohif: Path, bobs: Client) -> None:
    response = bobs.get(f"/viewer/{BUNDLE}", headers={"Accept-Encoding": "gzip, br"})
    assert response["Content-Encoding"] == "gzip"
    assert body(response) == b"packed"


def test_other_files_are_asked_for_again(ohif: Path, bobs: Client) -> None:
    response = bobs.get("/viewer/app.bundle.css")
    assert response["Cache-Control"] == "private, no-cache"
    assert bobs.get("/viewer/app.bundle.css", headers={"If-None-Match": response["ETag"]}).status_code == 304


def test_web_assembly_has_its_type(ohif: Path, bobs: Client) -> None:
    assert bobs.get("/viewer/34b1e6b1deb5828e.wasm")["Content-Type"] == "application/wasm"


@pytest.mark.parametrize(
    "path",
    [
        "missing.bundle.js",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "assets/../../secret.txt",
        "/etc/hosts.txt",
        f"{BUNDLE}.gz",
        "index.html",
    ],
)
def test_nothing_but_the_files_of_the_release_is_served(ohif: Path, bobs: Client, path: str) -> None:
    (ohif.parent / "secret.txt").write_text("secret")
    assert bobs.get(f"/viewer/{path}").status_code == 404


def test_nobody_sends_anything_there(ohif: Path, bobs: Client) -> None:
    assert bobs.post("/viewer/").status_code == 405
    assert bobs.post("/viewer/app-config.js").status_code == 405


def test_who_is_not_signed_in_signs_in_first_and_comes_back(ohif: Path, client: Client) -> None:
    response = client.get("/viewer/viewer/cardiac-mr?StudyInstanceUIDs=1.2")
    assert response["Location"] == "/account/login/?next=/viewer/viewer/cardiac-mr%3FStudyInstanceUIDs%3D1.2"


def test_who_has_no_images_is_told_so(ohif: Path, client_of: ClientOf, charlie: User, archive: Archive) -> None:
    response = client_of(charlie).get("/viewer/")
    assert "There is nothing to look at" in response.content.decode()


def test_without_ohif_an_administrator_learns_how_to_fetch_it(no_ohif: None, client_of: ClientOf, admin: User) -> None:
    response = client_of(admin).get("/viewer/")
    assert response.status_code == 404
    assert "make viewer" in response.content.decode()


def test_without_ohif_others_learn_that_there_is_none(no_ohif: None, bobs: Client) -> None:
    response = bobs.get("/viewer/viewer/cardiac-mr")
    assert response.status_code == 404
    text = response.content.decode()
    assert "OHIF is not on this portal" in text
    assert "make viewer" not in text
