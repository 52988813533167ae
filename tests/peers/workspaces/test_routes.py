"""The ways to an Orthanc in a real cluster, through its API server and by an ingress: same contract, and no way in."""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.clusters.models import Cluster
from apps.clusters.permissions import RBAC, needed_in_projects
from apps.clusters.services import route_to
from apps.integrations.dicomweb.orthanc import Orthanc
from apps.integrations.dicomweb.port import AccessRefused, ServerUnreachable
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import DEPLOYMENT, SERVICE, Manifest
from apps.integrations.kubernetes.route import DOOR, SIGN_IN, Route, session_by
from apps.workspaces.manifests import OrthancWish, Place, orthanc
from apps.workspaces.manifests.network import DOOR_PORT
from apps.workspaces.wishes import EXPLORER_USER
from tests.dicom import ct_series
from tests.integrations.test_dicomweb_contract import *  # noqa: F403
from tests.integrations.test_dicomweb_contract import ABSENT, Server
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.portal_side import administrator
from tests.peers.traefik import DOMAIN, Traefik
from tests.waiting import wait_until

# The first start builds Kubernetes and Traefik.
pytestmark = [pytest.mark.peers, pytest.mark.contract]
USER, PASSWORD = "portal", "a password of these tests"
EXPLORER = (EXPLORER_USER, "another password")
PATHS = ("/system", "/instances", "/changes", "/dicom-web/studies", "/app/explorer.html", "/tools/find", "/", "/none")
Access = Cluster.ServiceAccess


@pytest.fixture(scope="module")
def namespace(kubernetes: Kubernetes, images: dict[str, str], traefik: Traefik) -> Iterator[str]:
    """With an Orthanc that is reached both ways."""
    name = f"routes-{uuid.uuid4().hex[:8]}"
    host = f"orthanc-{name}.{DOMAIN}"
    place = Place(
        namespace=name,
        storage_class="",
        portal_sources=(),
        orthanc_image=images["orthanc"],
        workspace_image="",
        has_door=True,
        ingress_host=host,
        ingress_class=traefik.ingress_class,
    )
    kubernetes.kubectl("create", "namespace", name)
    kubernetes.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    try:
        make(
            KubernetesClient(administrator(kubernetes)),
            orthanc(place, OrthancWish(1, "ROUTES", dict([(USER, PASSWORD), EXPLORER]))),
        )
        yield name
    finally:
        kubernetes.kubectl("delete", "namespace", name, "--wait=false")


def make(api: KubernetesClient, manifests: list[Manifest]) -> None:
    for manifest in manifests:
        api.apply(manifest)
    name, namespace = "orthanc", manifests[0]["metadata"]["namespace"]
    wait_until(lambda: (api.read(DEPLOYMENT, name, namespace) or {})["status"].get("readyReplicas"), 120)


@pytest.fixture
def routes(kubernetes: Kubernetes, namespace: str, known_traefik: Traefik) -> dict[str, Route]:
    keys = administrator(kubernetes)
    cluster = Cluster(
        server=keys.server,
        ca_pem=keys.ca_pem,
        certificate_pem=keys.certificate_pem,
        key_pem=keys.key_pem,
        domain=known_traefik.domain,
    )
    service = KubernetesClient(keys).read(SERVICE, "orthanc", namespace)
    assert service is not None
    found = {}
    for cluster.service_access in (Access.PROXY, Access.INGRESS):
        found[cluster.service_access] = route_to(cluster, service, DOOR_PORT)
    return found


@pytest.fixture(params=[Access.PROXY, Access.INGRESS])
def route(request: pytest.FixtureRequest, routes: dict[str, Route]) -> Route:
    return routes[request.param]


@pytest.fixture
def server(route: Route) -> Server:
    found = Server(route, USER, PASSWORD)
    wait_until(lambda: is_there(found), 30)
    return found


def is_there(server: Server) -> bool:
    try:
        server.client().count()
    except ServerUnreachable:
        return False
    return True


def test_a_large_object_passes(api: Orthanc, tmp_path: Path) -> None:
    """Larger than controllers let through unless they are told to."""
    (path,) = ct_series(tmp_path, slices=1, rows=4096, columns=4096).paths
    stored = api.store(path)
    received = io.BytesIO()
    api.download(stored.name, received, most_bytes=path.stat().st_size)
    assert received.getvalue() == path.read_bytes()
    api.delete(stored.name)


@pytest.mark.attacks
@pytest.mark.parametrize(
    "sign_in", [None, (USER, "guessed"), ("", ""), EXPLORER], ids=["none", "guess", "empty", "desk"]
)
def test_who_has_no_word_of_the_portal_gets_nothing(server: Server, sign_in: tuple[str, str] | None) -> None:
    with session_by(server.route, sign_in) as session:
        answers = [session.get(server.route.address + path, timeout=30) for path in PATHS]
    assert {(one.status_code, DOOR in one.headers) for one in answers} == {(401, True)}


@pytest.mark.attacks
def test_the_name_that_others_know_opens_no_ingress(routes: dict[str, Route]) -> None:
    route = routes[Access.INGRESS]
    word = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    wait_until(lambda: is_there(Server(route, USER, PASSWORD)), 30)
    with session_by(route) as session:
        known, ours = (
            session.get(f"{route.address}/system", headers={name: word}, timeout=30)
            for name in ("Authorization", SIGN_IN)
        )
    assert (known.status_code, ours.status_code) == (401, 200)


@pytest.mark.faults
def test_a_way_that_is_gone_says_nothing_of_objects(server: Server, kubernetes: Kubernetes, namespace: str) -> None:
    other = replace(server, route=replace(server.route, address=server.route.address.replace(namespace, "no-such")))
    for ask in (lambda: other.client().has(ABSENT), lambda: other.client().delete(ABSENT)):
        with pytest.raises(ServerUnreachable, match=r"in its place \(404\)"):
            ask()
    assert not server.client().has(ABSENT)


@pytest.mark.attacks
@pytest.mark.parametrize("access", [Access.PROXY, Access.INGRESS])
def test_only_the_gateway_s_own_ca_is_trusted(
    kubernetes: Kubernetes, routes: dict[str, Route], traefik: Traefik, access: str
) -> None:
    route = routes[access]
    cas = {Access.PROXY: traefik.ca.read_text(), Access.INGRESS: administrator(kubernetes).ca_pem}
    assert route.gateway is not None
    misled = replace(route, gateway=replace(route.gateway, ca_pem=cas[Access(access)]))
    with pytest.raises(ServerUnreachable) as caught:
        Orthanc(misled, USER, PASSWORD).count()
    assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value.__cause__)


def test_the_printed_permissions_open_the_proxy_where_it_is_wanted(
    kubernetes: Kubernetes, namespace: str, routes: dict[str, Route]
) -> None:
    keys = replace(administrator(kubernetes), certificate_pem="", key_pem="")
    portals = {
        access: Orthanc(
            replace(routes[Access.PROXY], gateway=replace(keys, token=account_with(kubernetes, namespace, access))),
            USER,
            PASSWORD,
        )
        for access in (Access.PROXY, Access.DIRECT)
    }
    assert portals[Access.PROXY].count() == 0
    with pytest.raises(AccessRefused, match="refuses the portal"):
        portals[Access.DIRECT].count()


def account_with(kubernetes: Kubernetes, namespace: str, access: str) -> str:
    """A token of an account that has in this namespace what the project role gives for this way."""
    name, there = f"portal-{access}", ("--namespace", namespace)
    rules = [
        {"apiGroups": [one.group], "resources": [one.resource], "verbs": [one.verb]}
        for one in needed_in_projects(access)
    ]
    kubernetes.kubectl("create", "serviceaccount", name, *there)
    role: dict[str, Any] = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    kubernetes.kubectl("create", "-f", "-", *there, manifest=role)
    kubernetes.kubectl("create", "rolebinding", name, f"--role={name}", f"--serviceaccount={namespace}:{name}", *there)
    return kubernetes.kubectl("create", "token", name, *there)
