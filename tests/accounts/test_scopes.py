"""What an API token may do: what its scopes say, and never more than its person may."""

from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client

from apps.accounts import services
from apps.accounts.models import ApiToken, User
from apps.archives.services import ensure_archive
from apps.projects.models import Project

Scope = ApiToken.Scope
PROJECTS, RUNS = "/api/v1/projects/", "/api/v1/projects/cardiac-mr/runs/"
STUDIES = "/projects/cardiac-mr/dicomweb/studies"
# Method, address and scope; the status that alice gets, who may do all of it.
DOORS = [
    ("GET", PROJECTS, Scope.READ, 200),
    ("GET", RUNS, Scope.READ, 200),
    ("OPTIONS", RUNS, Scope.READ, 200),
    ("POST", RUNS, Scope.WRITE, 422),
    ("GET", STUDIES, Scope.IMAGES_READ, 200),
    ("HEAD", STUDIES, Scope.IMAGES_READ, 200),
    ("POST", STUDIES, Scope.IMAGES_STORE, 415),
    ("DELETE", f"{STUDIES}/1.2.3", Scope.IMAGES_DELETE, 404),
]


def by_token(user: User, *scopes: str) -> Client:
    _, secret = services.make_token(user, name="script", days=1, scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize(("method", "path", "scope", "status"), DOORS)
def test_each_door_needs_its_own_scope(
    project: Project, alice: User, method: str, path: str, scope: Scope, status: int
) -> None:
    ensure_archive(project)
    assert by_token(alice, scope).generic(method, path).status_code == status
    others = [other for other in Scope if other != scope]
    answer = by_token(alice, *others).generic(method, path)
    assert answer.status_code == 403
    if method != "HEAD":
        assert f"does not have the scope {scope}" in answer.json()["detail"]


def test_dicomweb_names_the_scope_as_the_standard_has_it(project: Project, alice: User) -> None:
    """RFC 6750 3.1."""
    answer = by_token(alice, Scope.READ).get(STUDIES)
    assert answer["WWW-Authenticate"] == 'Bearer realm="MAIA", error="insufficient_scope", scope="images:read"'


def test_no_scope_gives_more_than_the_person_may(project: Project, vera: User, charlie: User) -> None:
    ensure_archive(project)
    assert by_token(vera, *Scope).post(STUDIES).status_code == 403
    assert by_token(charlie, *Scope).get(STUDIES).status_code == 404


def test_pages_take_no_token(alice: User) -> None:
    assert by_token(alice, *Scope).get("/account/").status_code == 302


def test_tokens_from_before_there_were_scopes_may_what_they_could(alice: User) -> None:
    token, _ = services.make_token(alice, name="old", days=1, scopes=[])
    import_module("apps.accounts.migrations.0005_scopes_of_tokens").keep_what_tokens_may(apps, None)
    token.refresh_from_db()
    assert token.scopes == [Scope.READ, Scope.WRITE, Scope.IMAGES_READ, Scope.IMAGES_STORE]
