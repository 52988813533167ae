"""One cast for all tests: alice owns the project, bob is a member, vera a viewer, charlie has no part in it."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoDbBlocker

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import ensure_archive
from apps.audit import guards
from apps.core import doorbell
from apps.projects.models import Membership, Project
from apps.projects.services import create_project, ensure_member, mark_ready
from celery_worker import app as celery
from tests.plans import project_plan

celery.loader.import_default_modules()
PASSWORD = "a long enough pass phrase"
ClientOf = Callable[[User], Client]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Without the guards of the audit rows: tests with transactions of their own empty all tables afterwards."""
    with django_db_blocker.unblock():
        guards.take_down()


@pytest.fixture(autouse=True)
def _forget_what_was_counted() -> None:
    """Limits count in the cache; one test's visits are not another's."""
    cache.clear()


def make_person(name: str, platform_role: User.PlatformRole = User.PlatformRole.NONE) -> User:
    return User.objects.create_user(
        f"{name}@hospital.example", PASSWORD, name=name.capitalize(), platform_role=platform_role
    )


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def alice(db: None) -> User:
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_person("bob")


@pytest.fixture
def vera(db: None) -> User:
    return make_person("vera")


@pytest.fixture
def charlie(db: None) -> User:
    return make_person("charlie")


@pytest.fixture
def approver(db: None) -> User:
    return make_person("anna", User.PlatformRole.APPROVER)


@pytest.fixture
def support(db: None) -> User:
    return make_person("sven", User.PlatformRole.SUPPORT)


@pytest.fixture
def admin(db: None) -> User:
    return make_person("admin", User.PlatformRole.ADMINISTRATOR)


@pytest.fixture
def make_project(db: None) -> Callable[[str], Project]:
    """Makes a project that is set up, without members, from its namespace."""

    def make(namespace: str) -> Project:
        project = create_project(project_plan(namespace), by=None)
        mark_ready(project)
        return project

    return make


@pytest.fixture
def project(make_project: Callable[[str], Project], alice: User, bob: User, vera: User) -> Project:
    """Set up, with alice as owner, bob as member and vera as viewer."""
    project = make_project("cardiac-mr")
    roles = Membership.Role
    for user, role in ((alice, roles.OWNER), (bob, roles.MEMBER), (vera, roles.VIEWER)):
        ensure_member(project, user, role=role)
    return project


@pytest.fixture
def archive(project: Project) -> Archive:
    return ensure_archive(project)


@pytest.fixture
def client_of() -> ClientOf:
    """A browser in which this person is signed in."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def sweeps() -> Callable[[], None]:
    """Does now what beat rings for every minute: set up, settle, deliver the mails."""

    def run() -> None:
        for name in ("provisioning.sweep", "registrations.sweep", "core.sweep_mail"):
            celery.tasks[name]()

    return run


@pytest.fixture
def bells(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Bells are answered in this process as soon as the transaction has committed; the list names them."""
    rung: list[str] = []

    def answer(task: str, pks: tuple[int, ...]) -> None:
        rung.append(task)
        celery.tasks[task](*pks)

    monkeypatch.setattr(doorbell, "_send", answer)
    return rung
