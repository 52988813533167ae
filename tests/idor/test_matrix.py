"""Who gets what at every address: anonymous, outsider, viewer, member, owner, approver, administrator.

The rows are checked against the list of addresses, so that a new address without a row fails.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives.services import ensure_archive
from apps.datasets.services import import_files
from apps.jobs.models import Algorithm
from apps.jobs.services import launch, sync_bundled
from apps.projects.access import enter
from apps.projects.models import Project
from apps.registrations import links
from apps.registrations.services import Application, confirm_address, submit
from tests.dicom import ct_series
from tests.idor.rows import ROLES, ROWS, Row

pytestmark = pytest.mark.idor

TODAY = timezone.localdate()
APPLICATION = Application(
    name="Ida Berg",
    email="ida@uni.example",
    affiliation="Uppsala University",
    purpose="An atlas",
    project_name="Atlas",
    namespace="atlas",
    description="",
    principal_investigator="Prof. Nils Ås",
    cpus=1,
    memory_gib=1,
    gpus=0,
    storage_gib=1,
    starts_on=TODAY,
    ends_on=TODAY + timedelta(days=30),
)


@dataclass(frozen=True)
class World:
    clients: dict[str, Client]
    arguments: dict[str, Any]


def addresses(patterns: list[URLPattern | URLResolver] | None = None, namespace: str = "") -> Iterator[str]:
    """The names of all addresses of the portal, with their namespaces."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from addresses(pattern.url_patterns, inner)
        else:
            yield f"{namespace}{pattern.name}"


def test_every_address_has_a_row() -> None:
    assert {row.name for row in ROWS} == set(addresses())


@pytest.fixture
def people(charlie: User, vera: User, bob: User, alice: User, approver: User, admin: User) -> dict[str, User]:
    return dict(zip(ROLES[1:], (charlie, vera, bob, alice, approver, admin), strict=True))


@pytest.fixture
def world(project: Project, people: dict[str, User], client_of: Callable[[User], Client], tmp_path: Path) -> World:
    alice, bob = people["owner"], people["member"]
    series = ct_series(tmp_path / "ct", slices=1)
    archive = ensure_archive(project)
    upload = import_files(archive, series.paths, by=alice).upload
    sync_bundled()
    run = launch(
        enter(bob, project.namespace),
        Algorithm.objects.get(name="threshold-segmentation"),
        archive.series.get(),
        arguments={},
    )
    registration = submit(APPLICATION, by=None)
    confirm_address(registration)
    return World(
        clients={"anonymous": Client(), **{role: client_of(person) for role, person in people.items()}},
        arguments={
            "namespace": project.namespace,
            "archive": archive.name,
            "study_instance_uid": series.study_instance_uid,
            "series_instance_uid": series.series_instance_uid,
            "sop_instance_uid": series.sop_instance_uids[0],
            "study": series.study_instance_uid,
            "series": series.series_instance_uid,
            "instance": series.sop_instance_uids[0],
            "frames": [1],
            "frame": 1,
            "bulk": "7FE00010",
            "upload": upload.pk,
            "run": run.pk,
            "registration": registration.pk,
            "api_token": make_token(alice, name="hers", days=1)[0].pk,
            "token": links.path_of(registration).split("/")[-2],
            "uidb36": "1",
            "key": "set-password",
        },
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name}")
def test_row(row: Row, world: World) -> None:
    path = reverse(row.name, kwargs={name: world.arguments[source] for name, source in row.kwargs.items()})
    seen = {role: _status(row, client, path) for role, client in world.clients.items()}
    assert seen == dict(zip(ROLES, row.expected, strict=True))


def _status(row: Row, client: Client, path: str) -> int:
    """The answer to one person; nothing of it stays."""
    with transaction.atomic():
        response = client.generic(row.method, path + row.query, **row.extra)
        transaction.set_rollback(True)
    return response.status_code


def test_no_row_lets_an_outsider_see_more_than_nothing() -> None:
    """Below a project an outsider and an approver get exactly what they get for a project that does not exist."""
    for row in ROWS:
        if "namespace" in row.kwargs:
            assert row.expected[ROLES.index("outsider")] == 404, row.name
            assert row.expected[ROLES.index("approver")] == 404, row.name
