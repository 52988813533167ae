"""The deployed portal while what it stands on goes away: its pages answer, and there is one of everything afterwards.

The servers are shared with others, so they live on: what the portal has of the API server and of Keycloak is the way to
them, which is closed (refuses) or hangs (accepts and is silent). An API server that is really stopped and started is in
tests/peers/workspaces/test_faults.py.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from apps.core.leases import LEASE_SECONDS
from tests.dicom import ct_series
from tests.peers import portal_work, visits
from tests.peers.deployed import CLUSTER, Deployed, Servers, running_deployed
from tests.peers.faulty import (
    ANNA,
    IDA,
    PROJECT,
    Faulty,
    assert_one_of_everything,
    assert_run_once,
    instances_in_orthanc,
    of_project,
)
from tests.peers.forwarder import forwarding
from tests.peers.keycloak import Keycloak
from tests.peers.keycloak.realm import as_administrator
from tests.peers.kubernetes import Kubernetes
from tests.peers.mail import Mail
from tests.peers.portal_work import in_portal
from tests.peers.registry import Registry
from tests.peers.starting import hanging_server, throwaway_folder
from tests.peers.steps import PASSWORD, orthanc_of
from tests.waiting import wait_until

# Images are built the first time.
pytestmark = [pytest.mark.peers, pytest.mark.faults, pytest.mark.timeout(1800)]
BOB = "bob@uni.example"
SLICES = 6


@pytest.fixture(scope="module")
def faulty(keycloak: Keycloak, kubernetes: Kubernetes, registry: Registry, mail: Mail) -> Iterator[Faulty]:
    """A portal of its own, with an approver and a project whose owner is signed in."""
    with ExitStack() as stack:
        api = stack.enter_context(forwarding(int(kubernetes.server.rpartition(":")[2])))
        way = stack.enter_context(forwarding(keycloak.port))
        servers = Servers(
            replace(keycloak, port=way.port),
            replace(kubernetes, server=f"https://127.0.0.1:{api.port}"),
            registry,
            mail,
        )
        folder = stack.enter_context(throwaway_folder())
        deployed = stack.enter_context(running_deployed(folder, servers))
        _name_issuer(keycloak, deployed)
        made = Faulty(deployed, api, way, kubernetes, {})
        deployed.add_administrator(ANNA, PASSWORD)
        deployed.realm.add_person(IDA, PASSWORD)
        made.set_up(PROJECT)
        made.people.update({email: visits.signed_in(deployed.nginx.url, email, PASSWORD) for email in (IDA, ANNA)})
        yield made


def _name_issuer(keycloak: Keycloak, deployed: Deployed) -> None:
    """Keycloak calls itself in this realm by the address that the portal knows."""
    name = f"/{deployed.realm.name}"
    known = as_administrator(keycloak, "GET", name).json()
    attributes = {**known["attributes"], "frontendUrl": deployed.servers.keycloak.url}
    as_administrator(keycloak, "PUT", name, json={**known, "attributes": attributes})


@pytest.fixture(scope="module")
def series(faulty: Faulty, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SeriesInstanceUID of the project, in its Orthanc and in the portal's index."""
    written = ct_series(tmp_path_factory.mktemp("ct"), slices=SLICES, rows=64, columns=64)
    address, access = orthanc_of(faulty.kubernetes, PROJECT)
    for path in written.paths:
        requests.post(f"{address}/instances", path.read_bytes(), auth=access, timeout=20).raise_for_status()
    known = "SELECT count(*) FROM archives_instance"
    wait_until(lambda: faulty.value(known) == SLICES, 60)
    return written.series_instance_uid


def launch(faulty: Faulty, series_instance_uid: str) -> int:
    """The primary key of the run, by the API."""
    token = faulty.deployed.portal.manage("api_token", IDA)
    wish = {"algorithm": "threshold-segmentation", "series": [series_instance_uid]}
    address = f"{faulty.deployed.nginx.url}/api/v1/projects/{PROJECT}/runs/"
    answer = requests.post(address, json=wish, headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def test_the_api_server_goes_away_while_a_project_is_set_up(faulty: Faulty) -> None:
    def meanwhile() -> None:
        faulty.await_step("faults-api", "namespace")
        faulty.lose_the_api_for_a_while()

    with faulty.every_page_answers():
        faulty.set_up("faults-api", meanwhile)
    assert_one_of_everything(faulty, "faults-api")


def test_the_worker_is_killed_while_a_project_is_set_up(faulty: Faulty) -> None:
    def meanwhile() -> None:
        for step in ("namespace", "orthanc"):
            faulty.await_step("faults-worker", step)
            faulty.kill_the_worker()

    with faulty.every_page_answers():
        faulty.set_up("faults-worker", meanwhile)
    assert_one_of_everything(faulty, "faults-worker")


def test_the_api_server_goes_away_during_a_run(faulty: Faulty, series: str) -> None:
    with faulty.every_page_answers():
        assert_run_once(faulty, launch(faulty, series), faulty.lose_the_api_for_a_while)


def test_the_worker_is_killed_during_a_run(faulty: Faulty, series: str) -> None:
    with faulty.every_page_answers():
        assert_run_once(faulty, launch(faulty, series), faulty.kill_the_worker)


def test_keycloak_is_gone(faulty: Faulty) -> None:
    root = faulty.deployed.nginx.url
    with faulty.every_page_answers():
        for fault in (faulty.keycloak.closed, faulty.keycloak.hanging):
            with fault():
                answer = visits.begin_sign_in(requests.Session(), root)
            assert answer.status_code == 503
            assert "Keycloak, where people sign in, does not answer" in answer.text
        visits.signed_in(root, IDA, PASSWORD)


def test_orthanc_deleted_by_hand_is_back_with_its_images(faulty: Faulty, series: str) -> None:
    before, pods = instances_in_orthanc(faulty), pods_of_orthanc(faulty)
    repaired = of_project("SELECT row.kind, row.name, row.what FROM workspaces_drift row")
    with faulty.every_page_answers():
        faulty.kubernetes.kubectl("delete", "deployment", "orthanc", "--namespace", PROJECT)
        # The lease of a worker that was killed in the middle of repairing ends first, and a sweep comes after it.
        wait_until(lambda: faulty.deployed.rows(repaired, PROJECT), LEASE_SECONDS + 150)
        wait_until(lambda: pods_of_orthanc(faulty).isdisjoint(pods) and _answers(faulty), 120)
    assert instances_in_orthanc(faulty) == before
    assert faulty.deployed.rows(repaired, PROJECT) == [("Deployment", "orthanc", "deleted")]
    page = faulty.people[IDA].get(f"{faulty.deployed.nginx.url}/projects/{PROJECT}/", timeout=20).text
    assert "Deployment orthanc" in page
    assert "deleted by hand" in page
    assert_one_of_everything(faulty, PROJECT)


def pods_of_orthanc(faulty: Faulty) -> set[str]:
    return {name for name in faulty.names("pods", PROJECT) if name.startswith("orthanc-")}


def _answers(faulty: Faulty) -> bool:
    try:
        return instances_in_orthanc(faulty) > 0
    except requests.RequestException:
        return False


def test_a_second_cluster_accepts_and_never_answers(faulty: Faulty, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("made-up-token")
    known = ["--ca", str(faulty.kubernetes.kubeconfig.parent / "ca.crt"), "--token", str(token)]
    seen = "SELECT max(taken_at) FROM clusters_snapshot"
    # After the faults before this one it is looked at seldom, until a look succeeds.
    wait_until(lambda: faulty.seen_of(CLUSTER) == "reachable", 300)
    with hanging_server() as port, faulty.every_page_answers():
        server = f"https://127.0.0.1:{port}"
        faulty.deployed.portal.manage("cluster", "register", "--name", "silent", "--server", server, *known)
        registered = faulty.value(seen)
        wait_until(lambda: faulty.seen_of("silent") == "unreachable", 60)
        unreachable = faulty.value(seen)
        wait_until(lambda: faulty.value(seen) > unreachable, 30)
        begun = time.monotonic()
        visits.signed_in(faulty.deployed.nginx.url, IDA, PASSWORD)
        visits.FIGURES.append(f"bench sign-in at Keycloak while a cluster hangs: ours {time.monotonic() - begun:.2f} s")
        page = faulty.people[ANNA].get(f"{faulty.deployed.nginx.url}/clusters/", timeout=20).text
    assert unreachable > registered
    assert faulty.seen_of(CLUSTER) == "reachable"
    assert page.count("Unreachable since") == 1


def test_a_member_who_is_removed_loses_workspace_and_group(faulty: Faulty) -> None:
    portal, realm = faulty.deployed.portal, faulty.deployed.realm
    directory, subject = realm.directory(), realm.add_person(BOB, PASSWORD, name="Bob Member")
    directory.ensure_membership(subject, "MAIA:users")
    bob = visits.signed_in(faulty.deployed.nginx.url, BOB, PASSWORD)
    page = f"{faulty.deployed.nginx.url}/projects/{PROJECT}/"
    in_portal(portal, portal_work.add_member, PROJECT, BOB)
    wait_until(lambda: len(faulty.names("statefulsets", PROJECT)) == 2, 60)
    wait_until(lambda: directory.groups_of(subject) == {"MAIA:users", f"MAIA:{PROJECT}"}, 60)
    assert bob.get(page, timeout=20).status_code == 200
    with faulty.every_page_answers():
        in_portal(portal, portal_work.remove_member, PROJECT, BOB, IDA)
        assert bob.get(page, timeout=20).status_code == 404
        wait_until(lambda: len(faulty.names("statefulsets", PROJECT)) == 1, 60)
        wait_until(lambda: directory.groups_of(subject) == {"MAIA:users"}, 60)
    ports = "SELECT count(*) FROM workspaces_nodeport port JOIN workspaces_workspace row ON row.id = port.workspace_id"
    assert faulty.value(of_project(ports), PROJECT) == 1
