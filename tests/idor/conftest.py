"""One world for all addresses: a project with a series, an upload, a run, a request and a token; a browser a role."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from apps.accounts.models import SshKey, User
from apps.accounts.services import make_token
from apps.archives.models import Archive
from apps.archives.services import ensure_archive
from apps.clusters.models import Placement
from apps.core.digests import digest_of
from apps.core.models import Mail
from apps.datasets.models import Upload
from apps.datasets.services import import_files
from apps.jobs.models import Algorithm, Run
from apps.jobs.services import launch, sync_bundled
from apps.projects.access import enter
from apps.projects.granting import ask_extension
from apps.projects.lifecycle import write_change
from apps.projects.models import Invitation, Membership, MembershipChange, Project, ProjectChange
from apps.registrations import links
from apps.registrations.applications import Application
from apps.registrations.models import Registration
from apps.registrations.services import confirm_address, submit
from apps.workspaces.models import OrthancAccess, Workspace
from tests.clusters.rows import make_cluster
from tests.dicom import WrittenSeries, ct_series
from tests.idor.rows import ROLES

TODAY = timezone.localdate()
LATER = TODAY + timedelta(days=500)
APPLICATION = Application(
    name="Ida Berg",
    email="ida@uni.example",
    affiliation="Uppsala University",
    purpose="An atlas",
    terms_version="2026-11",
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


@pytest.fixture
def people(
    charlie: User, vera: User, bob: User, alice: User, approver: User, support: User, admin: User
) -> dict[str, User]:
    return dict(zip(ROLES[1:], (charlie, vera, bob, alice, approver, support, admin), strict=True))


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "ct", slices=1)


@pytest.fixture
def archive(project: Project) -> Archive:
    return ensure_archive(project)


@pytest.fixture
def upload(archive: Archive, series: WrittenSeries, alice: User) -> Upload:
    return import_files(archive, series.paths, by=alice).upload


@pytest.fixture
def run(upload: Upload, bob: User) -> Run:
    sync_bundled()
    algorithm = Algorithm.objects.get(name="threshold-segmentation")
    entry = enter(bob, upload.archive.project.namespace)
    return launch(entry, algorithm, upload.archive.series.get(), arguments={})


@pytest.fixture
def registration(db: None) -> Registration:
    registration = submit(APPLICATION, by=None)
    confirm_address(registration)
    return registration


@pytest.fixture
def world(
    people: dict[str, User],
    client_of: Callable[[User], Client],
    series: WrittenSeries,
    upload: Upload,
    run: Run,
    registration: Registration,
    settings: Any,
) -> World:
    settings.WORKSPACES_URL = "https://desktops.example"
    project, cluster = upload.archive.project, make_cluster("main")
    Placement.objects.create(project=project, cluster=cluster)
    OrthancAccess.objects.create(project=project, username="portal", password="p", explorer_password="e")
    token = "the secret of the link"
    invitation = Invitation.objects.create(
        project=project,
        email="ida@uni.example",
        role=Membership.Role.MEMBER,
        invited_by=people["owner"],
        status=Invitation.Status.WAITING,
        digest=digest_of(token),
        expires_at=timezone.now() + timedelta(days=1),
    )
    return World(
        clients={"anonymous": Client(), **{role: client_of(person) for role, person in people.items()}},
        arguments={
            "namespace": upload.archive.project.namespace,
            "archive": upload.archive.name,
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
            "extension": ask_extension(project, ends_on=LATER, why="More", by=people["owner"]).pk,
            "project_change": write_change(project, ProjectChange.Action.GRANT, by=people["administrator"]).pk,
            "cluster": cluster.name,
            "workspace": Workspace.objects.create(project=project, user=people["owner"]).pk,
            "app": "jupyter",
            "person": people["owner"].pk,
            "api_token": make_token(people["owner"], name="hers", days=1)[0].pk,
            "session": UserSession.objects.create(user=people["owner"], ip="192.0.2.1", session_key="hers").pk,
            "ssh_key": SshKey.objects.create(user=people["owner"], name="hers", fingerprint="SHA256:hers").pk,
            "token": links.path_of(registration).split("/")[-2],
            "uidb36": "1",
            "key": "set-password",
            "membership": Membership.objects.get(project=project, user=people["viewer"]).pk,
            "invitation": invitation.pk,
            "invitation_token": token,
            "member_change": MembershipChange.objects.create(
                project=project, user=people["member"], action="join", role="member"
            ).pk,
            "mail": Mail.objects.create(to="ida@uni.example", subject="Lost", status=Mail.Status.FAILED).pk,
        },
    )
