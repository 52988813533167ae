"""The portal as it is deployed: all of it answers, and nothing of it is missing."""

from pathlib import Path

import pytest
import requests

from tests.peers import visits
from tests.peers.deployed import ADMINISTRATOR, CLUSTER, Deployed
from tests.waiting import wait_until

# Built the first time.
pytestmark = [pytest.mark.peers, pytest.mark.timeout(1800)]


def test_the_web_server_a_worker_a_beat_and_a_watcher_run_behind_nginx(deployed: Deployed) -> None:
    assert requests.get(f"{deployed.nginx.url}/healthz/ready", timeout=10).ok
    processes = deployed.portal.processes()
    assert set(processes) == {"web", "worker", "beat", "watcher"}
    children = Path(f"/proc/{processes['web']}/task/{processes['web']}/children").read_text().split()
    assert len(children) == 2


def test_an_administrator_of_keycloak_signs_in_and_sees_the_cluster(deployed: Deployed) -> None:
    email, password = "ida@hospital.example", "a long enough pass phrase"
    subject = deployed.realm.add_person(email, password)
    (group,) = deployed.realm.as_administrator("GET", "/groups?search=MAIA:admin&exact=true").json()
    deployed.realm.as_administrator("PUT", f"/users/{subject}/groups/{group['id']}")
    browser = visits.signed_in(deployed.nginx.url, email, password)
    assert CLUSTER in browser.get(f"{deployed.nginx.url}/clusters/", timeout=20).text


def test_its_cluster_is_seen(deployed: Deployed) -> None:
    def states() -> list[tuple[str, str]]:
        return deployed.rows("SELECT name, status FROM clusters_cluster")

    wait_until(lambda: states() == [(CLUSTER, "reachable")], 60)


def test_each_bundled_algorithm_has_its_image(deployed: Deployed) -> None:
    images = [image for (image,) in deployed.rows("SELECT image FROM jobs_algorithm")]
    assert len(images) == 2
    assert all("@sha256:" in image for image in images)


def test_its_first_administrator_is_the_one_that_was_named(deployed: Deployed) -> None:
    first = deployed.rows("SELECT email, platform_role FROM accounts_user ORDER BY id LIMIT 1")
    assert first == [(ADMINISTRATOR, "administrator")]
