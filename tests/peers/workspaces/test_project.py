"""A project is set up on a real cluster, kept as it is wished, and found whole after kills."""

import base64
import json
import subprocess
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.devices import Device
from apps.archives.models import Archive
from apps.archives.selectors import ae_title_of
from apps.clusters.models import Cluster
from apps.core.models import Step
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import DEPLOYMENT, KINDS, NAMESPACE, RESOURCE_QUOTA, SERVICE, kind_of
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.provisioning import plan, services
from apps.provisioning.selectors import lines_of, steps_for
from apps.workspaces import sweeping
from apps.workspaces.models import App, Drift, NamespaceSeen, NodePort, OrthancAccess, State, Workspace
from apps.workspaces.reconciling import name_of
from apps.workspaces.services import list_devices
from apps.workspaces.wishes import PARTS
from tests.killing import is_killed_after
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.configuration import NODE_IP
from tests.waiting import wait_until

pytestmark = pytest.mark.peers
KUBERNETES_STEPS = [name for name, _ in plan.KUBERNETES]
POD_GATEWAY = "10.98.0.1"
OURS = "app.kubernetes.io/managed-by=maia-dashboard"


def set_up(project: Project, *, timeout_seconds: float = 120) -> None:
    def is_ready() -> bool:
        services.advance(project)
        project.refresh_from_db()
        return bool(project.status == Project.Status.READY)

    try:
        wait_until(is_ready, timeout_seconds)
    except AssertionError:
        pytest.fail("; ".join(f"{line.title}: {line.kind} {line.sentence}" for line in lines_of(steps_for(project))))


def sweep(project: Project) -> None:
    sweeping.reconcile(Cluster.objects.get(pk=project.placement.cluster_id))


def ours(api: KubernetesClient, project: Project) -> list[tuple[str, str]]:
    kinds = (kind for kind in KINDS if kind.is_namespaced and kind.kind not in ("Pod", "Event"))
    return sorted(
        (kind.kind, one["metadata"]["name"])
        for kind in kinds
        for one in api.objects(kind, namespace=project.namespace, labels=OURS)
    )


def status_of(address: str, username: str = "", password: str = "") -> int:
    request = Request(address)
    if username:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())
    try:
        with urlopen(request, timeout=10) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:  # nobody listens yet
        return 0


def test_set_up_with_an_orthanc_that_asks_for_the_password(project: Project, api: KubernetesClient) -> None:
    set_up(project)
    archive = Archive.objects.get(project=project, is_default=True)
    access = OrthancAccess.objects.get(project=project)
    studies = f"{archive.server.address}/dicom-web/studies"
    wait_until(lambda: status_of(studies, access.username, access.password) == 200, 20)
    assert status_of(studies) == 401
    assert status_of(studies, access.username, "guessed") == 401
    deployment = api.read(DEPLOYMENT, "orthanc", project.namespace)
    assert deployment is not None
    assert "password" not in json.dumps(deployment).lower()


def test_what_was_made_is_as_it_was_wished(project: Project, api: KubernetesClient) -> None:
    set_up(project)
    sweep(project)
    assert list(Drift.objects.all()) == []
    seen = NamespaceSeen.objects.get(project=project)
    assert seen.trouble == ""
    assert seen.hard["requests.nvidia.com/gpu"] == "1"
    assert App.objects.get(project=project, name="orthanc").state == State.RUNNING


def test_the_workspace_runs(project: Project) -> None:
    set_up(project)
    workspace = Workspace.objects.get(project=project)

    def is_running() -> bool:
        sweeping.observe_unsettled(project.placement.cluster)
        workspace.refresh_from_db()
        return bool(workspace.state == State.RUNNING)

    try:
        wait_until(is_running, 120)
    except AssertionError:
        pytest.fail(workspace.sentence)
    base = f"http://{workspace.address}"
    wait_until(lambda: status_of(f"{base}:8888{workspace.base_path}jupyter/api/status") == 200, 60)


def test_what_was_deleted_or_changed_by_hand_is_repaired(
    project: Project, api: KubernetesClient, kubernetes: Kubernetes
) -> None:
    set_up(project)
    sweep(project)
    before = ours(api, project)
    hand, there = kubernetes.kubectl, ("--namespace", project.namespace)
    hand("delete", "deployment,service", "orthanc", *there)
    hand("delete", "networkpolicy", "default-deny", *there)
    hand("patch", "resourcequota", "project", *there, "--patch", '{"spec":{"hard":{"requests.cpu":"99"}}}')
    sweep(project)
    assert ours(api, project) == before
    quota = api.read(RESOURCE_QUOTA, "project", project.namespace)
    assert quota is not None
    assert quota["spec"]["hard"]["requests.cpu"] != "99"
    repaired = {(one.kind, one.name, one.what) for one in Drift.objects.filter(project=project)}
    assert repaired == {
        ("Deployment", "orthanc", Drift.What.DELETED),
        ("Service", "orthanc", Drift.What.DELETED),
        ("NetworkPolicy", "default-deny", Drift.What.DELETED),
        ("ResourceQuota", "project", Drift.What.CHANGED),
    }
    archive = Archive.objects.get(project=project)
    service = api.read(SERVICE, "orthanc", project.namespace)
    assert service is not None
    assert service["spec"]["clusterIP"] in archive.server.address
    access = OrthancAccess.objects.get(project=project)
    wait_until(lambda: status_of(f"{archive.server.address}/system", access.username, access.password) == 200, 60)


def test_members_come_and_go(project: Project, api: KubernetesClient, bob: User) -> None:
    set_up(project)
    membership = ensure_member(project, bob, role=Membership.Role.MEMBER)
    sweep(project)
    his = Workspace.objects.get(project=project, user=bob)
    assert ("StatefulSet", his.name) in ours(api, project)
    membership.delete()
    sweep(project)
    left = [one for one in ours(api, project) if one[1].startswith(his.name)]
    assert left == [("PersistentVolumeClaim", his.name)]
    assert not NodePort.objects.filter(workspace=his).exists()
    Workspace.objects.filter(pk=his.pk).update(removed_at=timezone.now() - timedelta(days=31))
    sweep(project)
    wait_until(lambda: not [one for one in ours(api, project) if one[1] == his.name], 60)
    assert list(Drift.objects.all()) == []


def test_a_namespace_of_somebody_else_is_left_alone(
    project: Project, api: KubernetesClient, kubernetes: Kubernetes
) -> None:
    kubernetes.kubectl("create", "namespace", project.namespace)
    services.advance(project)
    step = next(one for one in steps_for(project) if one.name == "namespace")
    assert step.status == Step.Status.FAILED
    assert "not this project's" in step.last_error
    there = api.read(NAMESPACE, project.namespace)
    assert there is not None
    assert "maia.io/project" not in there["metadata"]["labels"]
    assert ours(api, project) == []


@pytest.mark.faults
def test_a_worker_killed_after_each_step_leaves_exactly_one_of_everything(
    project: Project, api: KubernetesClient
) -> None:
    def dies_after(name: str) -> bool:
        Step.objects.update(look_again_at=None)
        return is_killed_after(project, name)

    for name in KUBERNETES_STEPS:
        wait_until(lambda: dies_after(name), 60)  # noqa: B023 - called at once
        Step.objects.update(status_changed_at=timezone.now() - timedelta(hours=1))
    set_up(project)
    sweep(project)
    made = ours(api, project)
    wished = [one for part in PARTS.values() for one in part(project)]
    assert made == sorted(name_of(one) for one in wished if kind_of(one).is_namespaced)
    assert [kind for kind, _ in made].count("StatefulSet") == 1
    assert [kind for kind, _ in made].count("PersistentVolumeClaim") == 2
    assert (Archive.objects.count(), Workspace.objects.count(), NodePort.objects.count()) == (1, 1, 1)
    assert list(Drift.objects.all()) == []


def test_dimse_is_open_to_listed_devices_alone(project: Project, admin: User) -> None:
    set_up(project)
    # What comes from the node itself reaches pods from the bridge's address.
    list_devices(project, [Device("SCANNER", POD_GATEWAY), Device("ELSEWHERE", "192.0.2.7")], by=admin.pk)
    sweep(project)
    port, title = NodePort.objects.get(dicom_of=project).number, ae_title_of(project)

    def echo(calling: str, called: str = title) -> bool:
        command = ["echoscu", "-to", "3", "-aet", calling, "-aec", called, NODE_IP, str(port)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    wait_until(lambda: echo("SCANNER"), 90)
    assert not echo("NOBODY")
    assert not echo("ELSEWHERE")
    assert not echo("SCANNER", called="ORTHANC")
    list_devices(project, [], by=admin.pk)
    sweep(project)
    wait_until(lambda: not echo("SCANNER"), 60)
