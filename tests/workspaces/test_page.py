"""What runs, on the project page: from rows alone, each person with their own doors only."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.devices import Device
from apps.audit.models import Entry
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.projects.lifecycle import archive, suspend
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.workspaces import services
from apps.workspaces.models import App, Drift, ModelServer, NamespaceSeen, NodePort, State, Workspace
from tests.conftest import ClientOf, make_person
from tests.documented import STRICT, blocks
from tests.workspaces.conftest import live


def test_the_page_opens_no_credentials_of_the_cluster(
    running: Project, alice: User, client_of: ClientOf, settings: Any
) -> None:
    Cluster.objects.update(token="secret")
    settings.CREDENTIALS_KEY = "another"
    assert running.namespace in live(client_of(alice), running)


def test_the_project_page_shows_it_and_the_part_asks_for_itself(
    running: Project, alice: User, client_of: ClientOf
) -> None:
    page = client_of(alice).get(reverse("dashboard:project", args=[running.namespace])).content.decode()
    part = live(client_of(alice), running)
    for text in (page, part):
        assert 'hx-trigger="every 5s"' in text
        assert "Cluster and quota" in text
    assert "no cluster" not in page.lower()


def test_what_is_as_it_was_shown_is_not_sent_again(running: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    found = re.search(r'hx-get="([^"]+)"', live(client, running))
    assert found
    assert client.get(found[1]).status_code == 204
    App.objects.create(project=running, name="new")
    assert client.get(found[1]).status_code == 200


def test_a_project_on_no_cluster_has_no_such_part(project: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert client.get(reverse("workspaces:live", args=[project.namespace])).status_code == 404
    page = client.get(reverse("dashboard:project", args=[project.namespace]))
    assert "this portal has none connected" in page.content.decode()


def test_apps_models_usage_and_what_was_repaired(running: Project, alice: User, client_of: ClientOf) -> None:
    App.objects.create(project=running, name="board", state=State.RUNNING, link="https://board.example/")
    ModelServer.objects.create(
        project=running,
        name="radiology",
        state=State.RUNNING,
        is_training=True,
        offers=[{"name": "spleen", "type": "segmentation", "labels": ["spleen"], "dimension": 3}],
    )
    used, hard = {"requests.memory": "1536Mi"}, {"requests.memory": "33Gi"}
    NamespaceSeen.objects.update(used=used, hard=hard)
    Drift.objects.create(project=running, kind="Deployment", name="orthanc", what=Drift.What.DELETED)
    part = live(client_of(alice), running)
    for text in ('href="https://board.example/"', "A model is being trained.", "segmentation, 3D: spleen"):
        assert text in part
    assert "1.5 of 33" in part
    assert "Deployment orthanc" in part
    assert "deleted by hand" in part


@pytest.mark.attacks
def test_words_of_the_cluster_are_text(running: Project, alice: User, client_of: ClientOf) -> None:
    App.objects.create(project=running, name="x", state=State.FAILED, sentence="<script>alert(1)</script>")
    ModelServer.objects.create(project=running, name="y", offers=[{"name": "<img src=x>", "labels": ["<b>"]}])
    part = live(client_of(alice), running)
    assert "<script>alert" not in part
    assert "<img src=x>" not in part
    assert "<b>" not in part


def test_lines_for_devices_once_some_are_listed(
    running: Project, alice: User, vera: User, admin: User, client_of: ClientOf, cluster: Cluster
) -> None:
    assert "DIMSE is closed" in live(client_of(alice), running)
    services.list_devices(running, [Device("CT1", "10.1.2.3")], by=admin.pk)
    services.prepare(running)
    port = NodePort.objects.get(dicom_of=running).number
    assert f"storescu -aet CT1 -aec CARDIACMR ssh.example {port} +sd +r FOLDER" in live(client_of(alice), running)
    assert "storescu" not in live(client_of(vera), running)


def test_no_password_is_on_the_page(running: Project, alice: User, client_of: ClientOf) -> None:
    assert running.orthanc_access.password not in live(client_of(alice), running)


@pytest.mark.faults
def test_a_cluster_that_is_away_is_said_and_nothing_is_asked(
    running: Project, alice: User, client_of: ClientOf, twin: MemoryKubernetes
) -> None:
    twin.is_down = True
    NamespaceSeen.objects.update(seen_at=timezone.now() - timedelta(minutes=20))
    Cluster.objects.update(status=Cluster.Status.UNREACHABLE)
    assert "The cluster main does not answer. This is as of 20 min ago." in live(client_of(alice), running)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (Cluster.Status.NEVER_SEEN, "The cluster main is looked at anew within a minute. This is as of"),
        (
            Cluster.Status.REFUSED,
            "The cluster main refuses the portal&#x27;s credentials: an administrator has to look.",
        ),
        (
            Cluster.Status.DISABLED,
            "The cluster main is disabled: what runs there runs on, with the SSH keys",
        ),
    ],
)
def test_why_what_is_shown_may_be_old(
    running: Project, alice: User, client_of: ClientOf, status: str, sentence: str
) -> None:
    client = client_of(alice)
    assert "The cluster main" not in live(client, running)
    Cluster.objects.update(status=status)
    part = live(client, running)
    assert sentence in part
    assert "does not answer" not in part


def test_ten_more_of_everything_cost_no_more_queries(running: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    before = _queries(client, running)
    for number in range(10):
        ensure_member(running, make_person(f"p{number}"), role=Membership.Role.MEMBER)
        App.objects.create(project=running, name=f"a{number}")
        ModelServer.objects.create(project=running, name=f"m{number}")
        Drift.objects.create(project=running, kind="Secret", name=f"d{number}", what=Drift.What.CHANGED)
    services.prepare(running)
    assert _queries(client, running) == before


def _queries(client: Client, project: Project) -> int:
    live(client, project)
    with CaptureQueriesContext(connection) as queries:
        live(client, project)
    return len(queries)


def test_the_password_of_explorer_is_shown_to_an_owner_who_may_export_and_recorded(
    running: Project, alice: User, bob: User, client_of: ClientOf
) -> None:
    address, password = (
        reverse("workspaces:orthanc", args=[running.namespace]),
        running.orthanc_access.explorer_password,
    )
    assert address in live(client_of(alice), running)
    assert address not in live(client_of(bob), running)
    client = client_of(alice)
    page = client.get(address).content.decode()
    assert password not in page
    port = Workspace.objects.get(user=alice).node_port.number
    assert f"ssh -N -L 8042:orthanc:8042 -p {port} maia@ssh.example" in page
    assert 'href="http://localhost:8042/app/explorer.html"' in page
    assert f"http://orthanc.{running.namespace}.svc:8042" in page
    assert password in client.post(address).content.decode()
    assert Entry.objects.filter(action="orthanc.password_shown", actor_pk=alice.pk).count() == 1
    Membership.objects.filter(user=alice).update(may_export=False)
    assert client.post(address).status_code == 403
    assert "Orthanc Explorer is for owners who may export." in live(client, running)


def test_explorer_needs_a_workspace_that_runs(running: Project, alice: User, client_of: ClientOf) -> None:
    client, address = client_of(alice), reverse("workspaces:orthanc", args=[running.namespace])
    Workspace.objects.filter(user=alice).update(state=State.PENDING)
    page = client.get(address).content.decode()
    assert "you have none here that runs" in page
    assert "ssh -N" not in page
    assert "localhost:8042" not in page


def test_devices_by_command(running: Project, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("dicom_devices", running.namespace)
    assert "DIMSE is closed" in capsys.readouterr().out
    call_command("dicom_devices", running.namespace, allow=["CT1=10.1.2.3", "MR=10.1.2.4"])
    assert "CT1 at 10.1.2.3 may send." in capsys.readouterr().out
    call_command("dicom_devices", running.namespace, retrieve=["MR=10.1.2.5"])
    assert "MR at 10.1.2.5 may send and retrieve." in capsys.readouterr().out
    assert [str(one) for one in running.dicom_devices.all()] == ["MR at 10.1.2.5"]
    call_command("dicom_devices", running.namespace, close=True)
    assert not running.dicom_devices.exists()


def test_devices_by_the_documented_command(running: Project) -> None:
    (script,) = blocks(__file__)
    _python, _manage, *words = script.removeprefix(STRICT).split()
    call_command(*words)
    assert [str(one) for one in running.dicom_devices.order_by("pk")] == ["CT_SCANNER at 10.1.2.3", "PACS at 10.1.2.4"]


@pytest.mark.parametrize("device", ["CT1", "CT1=here", "=10.1.2.3", "A;B=10.1.2.3", f"{'A' * 17}=10.1.2.3", "A=::1"])
def test_devices_that_are_none(running: Project, device: str) -> None:
    with pytest.raises(CommandError):
        call_command("dicom_devices", running.namespace, allow=[device])
    assert not running.dicom_devices.exists()


def test_a_suspended_project_shows_what_is_stopped(
    running: Project, alice: User, admin: User, client_of: ClientOf
) -> None:
    assert "ssh -p" in live(client_of(alice), running)
    suspend(running, by=admin, why="Pause")
    page = live(client_of(alice), running)
    assert "The project is suspended." in page
    assert "ssh -p" not in page


def test_an_archived_project_shows_no_workspaces(running: Project, alice: User, client_of: ClientOf) -> None:
    archive(running, by=alice)
    services.follow_members(running)
    assert "The project is archived." in live(client_of(alice), running)
