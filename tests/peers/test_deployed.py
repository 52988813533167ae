"""The portal as it is deployed: all of it answers, and nothing of it is missing."""

import pytest
import requests

from tests.peers.deployed import ADMINISTRATOR, CLUSTER, Deployed
from tests.waiting import wait_until

# Built the first time.
pytestmark = [pytest.mark.peers, pytest.mark.timeout(1800)]


def test_two_web_processes_a_worker_and_a_beat_run_behind_nginx(deployed: Deployed) -> None:
    assert requests.get(f"{deployed.nginx.url}/healthz/ready", timeout=10).ok
    processes = deployed.portal.processes()
    assert set(processes) == {"web", "worker", "beat"}


def test_people_are_led_to_keycloak_and_back(deployed: Deployed) -> None:
    page = requests.get(f"{deployed.nginx.url}/account/login/", timeout=10)
    assert page.ok
    assert "password" not in page.text.lower().replace("passwords", "")
    started = requests.get(f"{deployed.nginx.url}/account/keycloak/start/", timeout=10, allow_redirects=False)
    assert started.headers["Location"].startswith(f"{deployed.realm.issuer}/")
    form = requests.get(started.headers["Location"], timeout=20)
    assert form.ok
    assert "redirect_uri" not in form.text or deployed.nginx.url in form.text


def test_its_cluster_is_seen(deployed: Deployed) -> None:
    def states() -> list[tuple[str, str]]:
        return deployed.rows("SELECT name, status FROM clusters_cluster")

    wait_until(lambda: states() == [(CLUSTER, "reachable")], 60)


def test_each_bundled_algorithm_has_its_image(deployed: Deployed) -> None:
    images = [image for (image,) in deployed.rows("SELECT image FROM jobs_algorithm")]
    assert len(images) == 2
    assert all("@sha256:" in image for image in images)


def test_its_first_administrator_is_the_one_that_was_named(deployed: Deployed) -> None:
    assert deployed.rows("SELECT email, platform_role FROM accounts_user") == [(ADMINISTRATOR, "administrator")]
