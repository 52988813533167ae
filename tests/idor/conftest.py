"""One world for all addresses: a project with a series, an upload, a run, a request and a token; a browser a role."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.accounts.models import SshKey, User
from apps.accounts.services import make_token
from apps.archives import exports
from apps.archives.models import Archive, Export
from apps.clusters.models import Placement
from apps.core.digests import digest_of
from apps.core.models import Mail
from apps.datasets.models import Upload
from apps.datasets.uploads.services import import_files
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
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries, ct_series
from tests.idor.rows import ROLES
from tests.viewer.release import write_release

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


Arguments = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A browser for each role, and what stands in the addresses."""

    clients: dict[str, Client]
    arguments: Arguments


@pytest.fixture
def people(
    charlie: User, vera: User, bob: User, alice: User, approver: User, support: User, admin: User
) -> dict[str, User]:
    return dict(zip(ROLES[1:], (charlie, vera, bob, alice, approver, support, admin), strict=True))


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "ct", slices=1)


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
def viewer_path(tmp_path: Path, settings: Settings, project: Project) -> str:
    """Of a page of OHIF, which is there."""
    settings.VIEWER_DIR = tmp_path / "ohif"
    write_release(settings.VIEWER_DIR)
    return f"viewer/{project.namespace}"


@pytest.fixture
def export(archive: Archive, alice: User, tmp_path: Path, settings: Settings) -> Export:
    """One that waits for the worker."""
    settings.EXPORT_TARGETS = {"bucket": str(tmp_path / "exported")}
    return exports.ask(archive, "bucket", by=alice)


@pytest.fixture
def images(series: WrittenSeries, upload: Upload, run: Run, export: Export, viewer_path: str) -> Arguments:
    return {
        "archive": upload.archive.name,
        "study_instance_uid": series.study_instance_uid,
        "series_instance_uid": series.series_instance_uid,
        "sop_instance_uid": series.sop_instance_uids[0],
        "frames": [1],
        "frame": 1,
        "bulk": "7FE00010",
        "viewer_path": viewer_path,
        "upload": upload.pk,
        "uploaded_file": upload.files.get().pk,
        "run": run.pk,
        "export": export.pk,
        "device": export.archive.project.dicom_devices.create(ae_title="SCANNER", address="10.1.2.3").pk,
    }


@pytest.fixture
def desktops(project: Project, alice: User, settings: Settings) -> Arguments:
    """On a cluster, with an Orthanc and the workspace of alice."""
    settings.WORKSPACES_URL = "https://desktops.example"
    cluster = make_cluster("main")
    Placement.objects.create(project=project, cluster=cluster)
    OrthancAccess.objects.create(project=project, username="portal", password="p", explorer_password="e")
    workspace = Workspace.objects.create(project=project, user=alice)
    return {"cluster": cluster.name, "workspace": workspace.pk, "app": "jupyter"}


@pytest.fixture
def memberships(project: Project, alice: User, bob: User, vera: User) -> Arguments:
    """The membership of vera, the joining of bob, and an invitation of a stranger."""
    role, token = Membership.Role.MEMBER, "the secret of the link"
    invitation = Invitation.objects.create(
        project=project,
        email="ida@uni.example",
        role=role,
        invited_by=alice,
        status=Invitation.Status.WAITING,
        digest=digest_of(token),
        expires_at=timezone.now() + timedelta(days=1),
    )
    change = MembershipChange.objects.create(project=project, user=bob, action="join", role=role)
    return {
        "membership": Membership.objects.get(project=project, user=vera).pk,
        "invitation": invitation.pk,
        "invitation_token": token,
        "member_change": change.pk,
    }


@pytest.fixture
def life(project: Project, alice: User, admin: User) -> Arguments:
    return {
        "namespace": project.namespace,
        "extension": ask_extension(project, ends_on=LATER, why="More", by=alice).pk,
        "project_change": write_change(project, ProjectChange.Action.GRANT, by=admin).pk,
    }


@pytest.fixture
def account(alice: User) -> Arguments:
    """What alice has of her own."""
    return {
        "person": alice.pk,
        "api_token": make_token(alice, name="hers", days=1)[0].pk,
        "session": UserSession.objects.create(user=alice, ip="192.0.2.1", session_key="hers").pk,
        "ssh_key": SshKey.objects.create(user=alice, name="hers", fingerprint="SHA256:hers").pk,
        "uidb36": "1",
        "key": "set-password",
    }


@pytest.fixture
def requests(registration: Registration) -> Arguments:
    mail = Mail.objects.create(to=registration.email, subject="Lost", status=Mail.Status.FAILED)
    return {"registration": registration.pk, "token": links.path_of(registration).split("/")[-2], "mail": mail.pk}


@pytest.fixture
def world(
    people: dict[str, User],
    client_of: ClientOf,
    images: Arguments,
    desktops: Arguments,
    memberships: Arguments,
    life: Arguments,
    account: Arguments,
    requests: Arguments,
) -> World:
    return World(
        clients={"anonymous": Client(), **{role: client_of(person) for role, person in people.items()}},
        arguments={**images, **desktops, **memberships, **life, **account, **requests},
    )
