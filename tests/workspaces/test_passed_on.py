"""Clusters whose services the portal reaches by the API server or an ingress: what is made there, opened and shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.reach import route_to
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import DEPLOYMENT, INGRESS, NETWORK_POLICY, SERVICE, Forbidden, Kind, Manifest
from apps.projects.models import Project
from apps.workspaces import observing, sweeping
from apps.workspaces.manifests import OrthancWish, network_policies, orthanc, resource_quota
from apps.workspaces.models import Applied, Drift, ModelServer, NamespaceSeen, State, Workspace
from tests.conftest import ClientOf
from tests.workspaces.test_observe import put
from tests.workspaces.wishes import GRANT, PLACE

Access = Cluster.ServiceAccess
PROXIED = replace(PLACE, has_door=True, portal_sources=("10.0.0.10/32",))
BY_INGRESS = replace(
    PROXIED,
    portal_sources=("namespace:traefik",),
    ingress_host="orthanc-cardiac-mr.maia.example",
    ingress_class="traefik",
)
WISH = OrthancWish(200, "CARDIACMR", {"portal": "secret"})
DOOR_CONFIGURATION = Path("deploy/orthanc/door.conf").read_text()


def made(kind: str, manifests: list[Manifest]) -> list[Manifest]:
    return [one for one in manifests if one["kind"] == kind]


def opened(manifests: list[Manifest]) -> dict[str, list[tuple[Any, list[int]]]]:
    return {
        policy["metadata"]["name"]: [
            (rule.get("from"), [port["port"] for port in rule["ports"]]) for rule in policy["spec"].get("ingress", [])
        ]
        for policy in manifests
    }


@pytest.mark.parametrize("place", [PROXIED, BY_INGRESS], ids=["proxy", "ingress"])
def test_a_door_stands_beside_orthanc(place: Any) -> None:
    manifests = orthanc(place, WISH)
    (deployment,), (service,) = made("Deployment", manifests), made("Service", manifests)
    pod = deployment["spec"]["template"]["spec"]
    assert [one["name"] for one in pod["containers"]] == ["orthanc", "door"]
    door = pod["containers"][1]
    assert (door["image"], door["volumeMounts"]) == (PLACE.orthanc_image, [{"name": "tmp", "mountPath": "/tmp"}])
    assert door["securityContext"]["readOnlyRootFilesystem"] is True
    assert [one["port"] for one in service["spec"]["ports"]] == [8042, 8043]
    assert "listen 8043;" in DOOR_CONFIGURATION
    plain, extended = (resource_quota(one, GRANT, workspaces=1, homes=1) for one in (PLACE, place))
    assert (plain["spec"]["hard"]["requests.cpu"], extended["spec"]["hard"]["requests.cpu"]) == ("8200m", "8210m")


def test_no_door_where_the_portal_comes_straight() -> None:
    manifests = orthanc(PLACE, WISH)
    assert "door" not in json.dumps(manifests)
    assert made("Ingress", [*manifests, *orthanc(PROXIED, WISH)]) == []


def test_the_api_server_is_let_in_at_the_door_and_to_models_alone() -> None:
    api_server = [{"ipBlock": {"cidr": "10.0.0.10/32"}}]
    rules = opened(network_policies(PROXIED))
    assert rules["orthanc-door"] == [(api_server, [8043])]
    assert rules["monailabel"] == [(api_server, [8000])]
    assert "workspace-web" not in rules
    assert [len(sources) for sources, _ in rules["orthanc"]] == [1]


def test_the_ingress_controller_is_let_in_at_the_door_alone() -> None:
    controller = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}]
    rules = opened(network_policies(BY_INGRESS))
    assert [name for name, found in rules.items() if any(sources == controller for sources, _ in found)] == [
        "orthanc-door"
    ]


def test_the_ingress_leads_to_the_door_by_tls() -> None:
    (ingress,) = made("Ingress", orthanc(BY_INGRESS, WISH))
    host = BY_INGRESS.ingress_host
    backend = {"service": {"name": "orthanc", "port": {"name": "door"}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    assert ingress["spec"] == {
        "ingressClassName": "traefik",
        "tls": [{"hosts": [host]}],
        "rules": [{"host": host, "http": {"paths": paths}}],
    }


@pytest.fixture
def kept(made: Project, cluster: Cluster) -> Project:
    Project.objects.filter(pk=made.pk).update(status=Project.Status.READY)
    made.refresh_from_db()
    sweeping.reconcile(cluster)
    return made


def go_by(access: str, cluster: Cluster) -> None:
    """As an administrator changes it, and a sweep follows."""
    sources = {"passed_on_from": "namespace:traefik 10.0.0.10/32", "domain": "maia.example:8443"}
    Cluster.objects.filter(pk=cluster.pk).update(service_access=access, **sources)
    sweeping.reconcile(Cluster.objects.get(pk=cluster.pk))


def names(twin: MemoryKubernetes, kind: Kind, project: Project) -> set[str]:
    return {one["metadata"]["name"] for one in twin.objects(kind, namespace=project.namespace)}


def test_another_way_is_followed(kept: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    server = Archive.objects.get(project=kept).server
    for access, address, has_gateway in (
        (Access.PROXY, f"{cluster.server}/api/v1/namespaces/{kept.namespace}/services/http:orthanc:8043/proxy", True),
        (Access.INGRESS, f"https://orthanc-{kept.namespace}.maia.example:8443", True),
        (Access.IN_CLUSTER, f"http://orthanc.{kept.namespace}.svc:8042", False),
    ):
        go_by(access, cluster)
        server.refresh_from_db()
        route = route_to(server)
        assert (route.address, route.gateway is not None) == (address, has_gateway)
        assert ("orthanc-door" in names(twin, NETWORK_POLICY, kept)) is has_gateway
        assert names(twin, INGRESS, kept) == ({"orthanc"} if access == Access.INGRESS else set())
        deployment = twin.read(DEPLOYMENT, "orthanc", kept.namespace)
        assert deployment is not None
        assert len(deployment["spec"]["template"]["spec"]["containers"]) == 1 + has_gateway
    assert not Applied.objects.filter(kind="Ingress").exists()
    assert list(Drift.objects.all()) == []


def test_an_ingress_that_was_deleted_or_changed_is_repaired(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster
) -> None:
    go_by(Access.INGRESS, cluster)
    twin.delete(INGRESS, "orthanc", kept.namespace)
    go_by(Access.INGRESS, cluster)
    ingress = twin.read(INGRESS, "orthanc", kept.namespace)
    assert ingress is not None
    ingress["spec"]["rules"][0]["host"] = "elsewhere.example"
    twin.put(ingress)
    go_by(Access.INGRESS, cluster)
    assert twin.read(INGRESS, "orthanc", kept.namespace)["spec"]["rules"][0]["host"].startswith("orthanc-")  # type: ignore[index]
    assert [(one.kind, one.what) for one in Drift.objects.order_by("pk")] == [
        ("Ingress", Drift.What.DELETED),
        ("Ingress", Drift.What.CHANGED),
    ]


def test_an_ingress_that_may_not_be_deleted_any_more_is_told(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_by(Access.INGRESS, cluster)

    delete = twin.delete

    def refuse(kind: Kind, name: str, *rest: Any) -> None:
        if kind == INGRESS:
            raise Forbidden(403, "Forbidden", "")
        delete(kind, name, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(twin, "delete", refuse)
        go_by(Access.DIRECT, cluster)
    assert "may not delete Ingress orthanc" in NamespaceSeen.objects.get(project=kept).trouble
    go_by(Access.DIRECT, cluster)
    assert NamespaceSeen.objects.get(project=kept).trouble == ""
    assert names(twin, INGRESS, kept) == set()


def test_the_page_says_that_desktops_open_by_ssh_only(
    kept: Project,
    twin: MemoryKubernetes,
    cluster: Cluster,
    alice: User,
    client_of: ClientOf,
    settings: Any,
) -> None:
    settings.WORKSPACES_URL = "https://work.example"
    go_by(Access.PROXY, cluster)
    Workspace.objects.filter(user=alice).update(state=State.RUNNING)
    page = client_of(alice).get(f"/projects/{kept.namespace}/live/").content.decode()
    assert "By SSH only: desktops of this cluster do not open in the browser." in page
    assert "/open/" not in page
    assert Workspace.objects.get(user=alice).address is None


def test_models_behind_an_ingress_are_not_asked(kept: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    spec = {"type": "ClusterIP", "ports": [{"port": 8000}], "selector": {"app": "spleen"}}
    put(twin, kept, "Service", "spleen", labels={"app.kubernetes.io/name": "monailabel"}, spec=spec)
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    put(twin, kept, "Pod", "spleen-1", labels={"app": "spleen"}, status=status)
    go_by(Access.INGRESS, cluster)
    kept.refresh_from_db()
    observing.observe(Project.objects.get(pk=kept.pk), twin)
    found = ModelServer.objects.get(name="spleen")
    assert (found.state, found.sentence) == (State.RUNNING, observing.UNASKED)
    assert twin.read(SERVICE, "spleen", kept.namespace) is not None
