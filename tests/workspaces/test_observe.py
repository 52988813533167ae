"""What runs is written to the rows that pages read."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import RESOURCE_QUOTA, SERVICE
from apps.integrations.monailabel import memory
from apps.integrations.monailabel.port import LabelModel, ModelServerUnreachable, ServerInfo
from apps.projects.models import Project
from apps.workspaces import observing, sweeping
from apps.workspaces.models import App, ModelServer, NamespaceSeen, State, Workspace
from tests.workspaces.conftest import down

READY = [{"type": "Ready", "status": "True"}]
SPLEEN = LabelModel("spleen", "segmentation", ("spleen",), 3, "")


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> dict[str, ServerInfo]:
    """The MONAI Label servers by address."""
    servers: dict[str, ServerInfo] = {}
    monkeypatch.setattr(observing, "MonaiLabel", memory.at(servers))
    return servers


def put(twin: MemoryKubernetes, project: Project, kind: str, name: str, **content: Any) -> dict[str, Any]:
    labels, annotations = content.pop("labels", {}), content.pop("annotations", {})
    version = {"Deployment": "apps/v1"}.get(kind, "v1")
    metadata = {"name": name, "namespace": project.namespace, "labels": labels, "annotations": annotations}
    manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, **content}
    twin.put(manifest)
    return manifest


def put_pod(twin: MemoryKubernetes, workspace: Workspace, **status: Any) -> None:
    labels = {"app.kubernetes.io/name": "workspace", "maia.io/workspace": str(workspace.pk)}
    put(twin, workspace.project, "Pod", f"{workspace.name}-0", labels=labels, spec={}, status=status)


def test_each_workspace_with_its_state_and_address(
    made: Project, twin: MemoryKubernetes, alice: User, bob: User
) -> None:
    hers, his = (Workspace.objects.get(user=user) for user in (alice, bob))
    put_pod(twin, hers, phase="Running", conditions=READY)
    put_pod(twin, his, phase="Pending")
    observing.observe(made, twin)
    hers.refresh_from_db()
    his.refresh_from_db()
    assert (hers.state, his.state, his.sentence) == (State.RUNNING, State.PENDING, "It waits for a node.")
    service = twin.read(SERVICE, hers.name, made.namespace)
    assert service is not None
    assert hers.address == service["spec"]["clusterIP"]
    assert hers.seen_at is not None


def test_a_quota_that_is_used_up_is_told(made: Project, twin: MemoryKubernetes, alice: User) -> None:
    hers = Workspace.objects.get(user=alice)
    about = {"kind": "StatefulSet", "name": hers.name, "namespace": made.namespace}
    message = "is forbidden: exceeded quota: project, limited: limits.memory=8Gi"
    put(twin, made, "Event", "one", type="Warning", involvedObject=about, message=message)
    observing.observe(made, twin)
    hers.refresh_from_db()
    assert "quota is used up" in hers.sentence


def test_apps_with_a_link_that_a_browser_may_follow(made: Project, twin: MemoryKubernetes) -> None:
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}}
    for name, link in (("good", "https://app.example/"), ("bad", "javascript:alert(1)")):
        annotations = {"maia.io/link": link}
        put(twin, made, "Deployment", name, annotations=annotations, spec=spec, status={"readyReplicas": 1})
    put(twin, made, "Deployment", "off", spec={**spec, "replicas": 0})
    observing.observe(made, twin)
    apps = {app.name: app for app in App.objects.filter(project=made)}
    assert apps.keys() == {"orthanc", "good", "bad", "off"}
    assert (apps["good"].link, apps["bad"].link) == ("https://app.example/", "")
    assert apps["good"].state == apps["orthanc"].state == State.RUNNING
    assert "switched off" in apps["off"].sentence
    twin.delete(observing.DEPLOYMENT, "good", made.namespace)
    observing.observe(made, twin)
    assert not App.objects.filter(name="good").exists()


def test_models_of_each_server(made: Project, twin: MemoryKubernetes, servers: dict[str, ServerInfo]) -> None:
    for name in ("spleen", "silent"):
        spec = {"type": "ClusterIP", "ports": [{"port": 8000}]}
        put(twin, made, "Service", name, labels={"app.kubernetes.io/name": "monailabel"}, spec=spec)
    service = twin.read(SERVICE, "spleen", made.namespace)
    assert service is not None
    servers[f"http://{service['spec']['clusterIP']}:8000"] = ServerInfo("Radiology", "0.8", (SPLEEN,), is_training=True)
    observing.observe(made, twin)
    found = {server.name: server for server in ModelServer.objects.filter(project=made)}
    assert found["spleen"].offers == [{"name": "spleen", "type": "segmentation", "labels": ["spleen"], "dimension": 3}]
    assert (found["spleen"].title, found["spleen"].is_training) == ("Radiology", True)
    assert (found["silent"].state, found["silent"].sentence) == (State.FAILED, "The server does not answer.")


@pytest.mark.faults
def test_model_servers_that_hang_take_turns(
    made: Project, twin: MemoryKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def hang(_: str) -> None:
        now[0] += observing.MODELS_SECONDS + 1
        raise ModelServerUnreachable("The server does not answer.")

    monkeypatch.setattr(observing, "monotonic", lambda: now[0])
    monkeypatch.setattr(observing, "MonaiLabel", hang)
    for name in ("brain", "liver"):
        spec = {"type": "ClusterIP", "ports": [{"port": 8000}]}
        put(twin, made, "Service", name, labels={"app.kubernetes.io/name": "monailabel"}, spec=spec)
    for known in (["brain"], ["brain", "liver"]):
        observing.observe(made, twin)
        assert list(ModelServer.objects.values_list("name", flat=True)) == known
    assert NamespaceSeen.objects.get(project=made).seen_at


def test_the_quota_as_it_is_used(made: Project, twin: MemoryKubernetes) -> None:
    quota = twin.read(RESOURCE_QUOTA, "project", made.namespace)
    assert quota is not None
    twin.put({**quota, "status": {"used": {"requests.cpu": "300m"}, "hard": {"requests.cpu": "8300m"}}})
    observing.observe(made, twin)
    seen = NamespaceSeen.objects.get(project=made)
    assert (seen.used, seen.hard) == ({"requests.cpu": "300m"}, {"requests.cpu": "8300m"})


@pytest.mark.faults
def test_what_was_seen_stays_while_the_cluster_is_away(made: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    sweeping.observe_unsettled(cluster)
    before = NamespaceSeen.objects.get(project=made).seen_at
    assert before is not None
    with down(twin):
        sweeping.observe_unsettled(cluster)
    assert NamespaceSeen.objects.get(project=made).seen_at == before
    assert App.objects.filter(project=made, name="orthanc").exists()


def test_what_is_starting_is_watched_and_what_runs_is_not(
    made: Project, twin: MemoryKubernetes, cluster: Cluster
) -> None:
    assert sweeping.clusters_to_watch() == [cluster.pk]
    for workspace in Workspace.objects.all():
        put_pod(twin, workspace, phase="Running", conditions=READY)
    sweeping.observe_unsettled(cluster)
    assert sweeping.clusters_to_watch() == []
    Cluster.objects.update(status=Cluster.Status.UNREACHABLE)
    Workspace.objects.update(state=State.PENDING)
    assert sweeping.clusters_to_watch() == []
