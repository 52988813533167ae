"""A deployed portal whose ways to the API server and to Keycloak can be closed, or hang."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import requests

from apps.core.leases import LEASE_SECONDS
from tests.peers import portal_work, visits
from tests.peers.deployed import CLUSTER, Deployed
from tests.peers.forwarder import Forwarder
from tests.peers.kubernetes import Kubernetes
from tests.peers.portal_work import in_portal
from tests.peers.steps import orthanc_of
from tests.waiting import wait_until

IDA, ANNA = "ida.berg@uni.example", "anna.approver@hospital.example"
PROJECT = "faults"
PAGE_SECONDS = 2.0
STEPS_DONE = """
    SELECT step.name, step.status, count(event.id) FROM core_step step
    JOIN core_ledger ledger ON ledger.id = step.ledger_id AND ledger.kind = 'project'
    JOIN projects_project project ON project.id = ledger.subject_pk AND project.namespace = %s
    LEFT JOIN core_stateevent event
        ON event.subject_type = 'core.step' AND event.subject_pk = step.id AND event.to_status = 'done'
    GROUP BY step.name, step.status
"""
STEP_BEGUN = """
    SELECT step.attempts > 0 FROM core_step step
    JOIN core_ledger ledger ON ledger.id = step.ledger_id AND ledger.kind = 'project'
    JOIN projects_project project ON project.id = ledger.subject_pk AND project.namespace = %s
    WHERE step.name = %s
"""
ROWS = (
    "SELECT count(*) FROM archives_archive row",
    "SELECT count(*) FROM clusters_placement row",
    "SELECT count(*) FROM projects_membership row",
    "SELECT count(*) FROM workspaces_orthancaccess row",
)


@dataclass(frozen=True)
class Faulty:
    """`api` and `keycloak` are the portal's ways to the servers; `kubernetes` is reached past them."""

    deployed: Deployed
    api: Forwarder
    keycloak: Forwarder
    kubernetes: Kubernetes
    people: dict[str, requests.Session]

    def value(self, query: str, *parameters: Any) -> Any:
        ((value,),) = self.deployed.rows(query, *parameters)
        return value

    def names(self, kind: str, namespace: str) -> list[str]:
        """Those of one kind that the namespace really has."""
        found = self.kubernetes.read(kind, "--namespace", namespace)["items"]
        return sorted(one["metadata"]["name"] for one in found)

    def every_page_answers(self) -> AbstractContextManager[None]:
        root, ida, anna = self.deployed.nginx.url, self.people[IDA], self.people[ANNA]
        pages = {"/": ida, f"/projects/{PROJECT}/": ida, "/clusters/": anna, "/approvals/": anna}
        asked = {f"{root}{path}": person for path, person in pages.items()}
        return visits.every_page_answers(
            {**asked, f"{root}/account/login/": requests.Session()}, within_seconds=PAGE_SECONDS
        )

    def lose_the_api_for_a_while(self) -> None:
        """Refused first, then hanging, each until the portal has noticed; answers again from then on."""
        failures = "SELECT failures FROM clusters_cluster WHERE name = %s"
        with self.api.closed():
            wait_until(lambda: self.seen_of(CLUSTER) == "unreachable", 90)
            with self.api.hanging():
                refused = self.value(failures, CLUSTER)
                wait_until(lambda: self.value(failures, CLUSTER) > refused, 90)
        wait_until(lambda: self.seen_of(CLUSTER) == "reachable", 90)

    def seen_of(self, cluster: str) -> str:
        """Its state as the collector last saw it."""
        return str(self.value("SELECT status FROM clusters_cluster WHERE name = %s", cluster))

    def kill_the_worker(self) -> None:
        """By SIGKILL; another one is there afterwards."""
        killed = self.deployed.portal.processes()["worker"]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.deployed.portal.processes().get("worker", killed) != killed, 30)

    def set_up(self, namespace: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        in_portal(self.deployed.portal, portal_work.open_project, namespace, IDA)
        meanwhile()
        wait_until(lambda: self.status_of(namespace) == "ready", 240)

    def await_step(self, namespace: str, name: str) -> None:
        """Until a step has begun, and the project is not set up yet."""
        wait_until(lambda: self.value(STEP_BEGUN, namespace, name), 120)
        assert self.status_of(namespace) == "provisioning"

    def status_of(self, namespace: str) -> str:
        return str(self.value("SELECT status FROM projects_project WHERE namespace = %s", namespace))


def instances_in_orthanc(faulty: Faulty) -> int:
    address, access = orthanc_of(faulty.kubernetes, PROJECT)
    return len(requests.get(f"{address}/instances", auth=access, timeout=20).json())


def assert_one_of_everything(faulty: Faulty, namespace: str) -> None:
    steps = faulty.deployed.rows(STEPS_DONE, namespace)
    assert {(status, times) for _, status, times in steps} == {("done", 1)}, steps
    member = faulty.value(of_project("SELECT row.id FROM workspaces_workspace row"), namespace)
    assert len(faulty.kubernetes.read("namespaces", "--selector", f"maia.io/project={namespace}")["items"]) == 1
    assert faulty.names("deployments", namespace) == ["orthanc"]
    assert faulty.names("statefulsets", namespace) == [f"workspace-{member}"]
    assert faulty.names("persistentvolumeclaims", namespace) == ["orthanc", f"workspace-{member}"]
    for count in ROWS:
        assert faulty.value(of_project(count), namespace) == 1, count
    (person,) = faulty.deployed.realm.directory().people_with_email(IDA)
    assert f"MAIA:{namespace}:owner" in faulty.deployed.realm.directory().groups_of(person.subject)


def of_project(query: str) -> str:
    return f"{query} JOIN projects_project project ON project.id = row.project_id WHERE project.namespace = %s"


def assert_run_once(faulty: Faulty, run: int, during: Callable[[], None]) -> None:
    """The fault happens while the Job is there; in the end there was one Job, and its outputs are there once."""
    before = instances_in_orthanc(faulty)
    jobs: set[str] = set()

    def look() -> bool:
        found = faulty.kubernetes.read("jobs", "--namespace", PROJECT)["items"]
        jobs.update(job["metadata"]["uid"] for job in found)
        return bool(jobs)

    def is_over() -> bool:
        look()
        return bool(faulty.value("SELECT cleaned_at IS NOT NULL FROM jobs_run WHERE id = %s", run))

    wait_until(lambda: look() or is_over(), 90)
    assert jobs, faulty.deployed.rows("SELECT status, reason FROM jobs_run WHERE id = %s", run)
    during()
    wait_until(is_over, LEASE_SECONDS + 180)
    ((status, attempt, reason),) = faulty.deployed.rows(
        "SELECT status, attempt, reason FROM jobs_run WHERE id = %s", run
    )
    assert (status, attempt) == ("succeeded", 1), reason
    assert len(jobs) == 1
    assert faulty.value("SELECT count(*) FROM jobs_runoutput WHERE run_id = %s", run) == 1
    assert instances_in_orthanc(faulty) == before + 1
    assert faulty.names("jobs", PROJECT) == []
