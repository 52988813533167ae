"""A project with images: alice owns it, bob is a member, vera looks, charlie is outside."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import ensure_archive
from apps.datasets.services import import_files
from apps.projects.models import Membership, Project
from tests.dicom import WrittenSeries, ct_series

Role = Membership.Role


def _person(name: str) -> User:
    return User.objects.create_user(f"{name}@example.org", "a long password", name=name.title())


@pytest.fixture
def alice(db: None) -> User:
    return _person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return _person("bob")


@pytest.fixture
def vera(db: None) -> User:
    return _person("vera")


@pytest.fixture
def charlie(db: None) -> User:
    return _person("charlie")


@pytest.fixture
def project(alice: User, bob: User, vera: User) -> Project:
    made = Project.objects.create(
        name="Cardiac MR",
        namespace="cardiac-mr",
        principal_investigator="Alice",
        starts_on=date(2026, 1, 1),
        ends_on=date(2027, 1, 1),
        status=Project.Status.READY,
    )
    for user, role in ((alice, Role.OWNER), (bob, Role.MEMBER), (vera, Role.VIEWER)):
        Membership.objects.create(project=made, user=user, role=role)
    return made


@pytest.fixture
def archive(project: Project) -> Archive:
    return ensure_archive(project)


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client(enforce_csrf_checks=False)
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def ct(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "ct", slices=4, rows=16, columns=16)


@pytest.fixture
def stored_ct(archive: Archive, alice: User, ct: WrittenSeries) -> WrittenSeries:
    receipt = import_files(archive, ct.paths, by=alice)
    assert not receipt.refused
    return ct
