"""What goes wrong with a run in a real cluster: contained, named in plain words, and the next run fine."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.archives.models import Archive, Instance, Series
from apps.clusters.models import Cluster
from apps.integrations.executors.job import RUN_LABEL
from apps.integrations.executors.kubernetes import LOG_BYTES
from apps.integrations.kubernetes.port import JOB, POD, KubernetesApi
from apps.jobs import services, tasks
from apps.jobs.in_cluster import UNREACHABLE
from apps.jobs.kept_log import CUT
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.driving import drive
from tests.peers.kubernetes import Kubernetes
from tests.peers.runs.conftest import Launch
from tests.portal import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.django_db(transaction=True)]
Status = Run.Status
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
PIDS_OF_A_POD = 512
A_MINUTE = timedelta(minutes=1)


@pytest.mark.attacks
@pytest.mark.parametrize(
    ("program", "fields", "code", "sentence"),
    [
        ("hoards", {"limits": {"memory_bytes": 256 * 2**20}}, "OUT_OF_MEMORY", "more memory than"),
        ("bombs", {"timeout_seconds": 8}, "TIMEOUT", "was stopped"),
        (
            "fills",
            {"timeout_seconds": 300, "limits": {"output_bytes": 64 * 2**20}},
            "INVALID_OUTPUT",
            "wrote more than",
        ),
        ("chatters", {"timeout_seconds": 5}, "TIMEOUT", "was stopped"),
        ("ignores_sigterm", {"timeout_seconds": 3}, "TIMEOUT", "was stopped"),
        ("trespasses", {}, "NO_OUTPUT", "wrote no DICOM"),
        ("impersonates", {"produced_sop_classes": [CT_IMAGE]}, "INVALID_OUTPUT", "PatientID"),
        ("fails", {}, "EXIT_3", "It said nothing."),
    ],
)
def test_a_hostile_algorithm_is_contained(
    launch: Launch, archive: Archive, program: str, fields: dict[str, Any], code: str, sentence: str
) -> None:
    before = Instance.objects.count()
    run = drive(launch(program, **fields), timeout_seconds=150)
    assert (run.status, run.reason_code) == (Status.FAILED, code), run.reason
    assert sentence in run.reason
    assert said_after(run) < A_MINUTE
    assert Instance.objects.count() == before
    if program == "chatters":
        assert 0 < len(services.whole_log(run).encode()) <= LOG_BYTES + len(CUT)
    if program == "trespasses":
        assert "done [] secrets [] root False" in services.whole_log(run)
    if program == "bombs":
        children = re.search(r"(\d+) children, then Resource temporarily unavailable", services.whole_log(run))
        assert children
        assert int(children[1]) < PIDS_OF_A_POD


@pytest.mark.attacks
def test_the_run_after_a_hostile_one_is_fine(
    launch: Launch, as_bob: Entry, segmentation: Algorithm, ct: Series, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = settings.SAMPLES_DIR
    assert drive(launch("bombs", timeout_seconds=8), timeout_seconds=150).reason_code == "TIMEOUT"
    monkeypatch.undo()
    settings.SAMPLES_DIR = bundled
    services.sync_bundled()
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}), timeout_seconds=100)
    assert (run.status, run.outputs.count()) == (Status.SUCCEEDED, 1), run.reason


def test_an_image_that_is_not_there_is_named(launch: Launch, programs_image: str) -> None:
    run = drive(launch("fails", image=programs_image.replace("/programs@", "/absent@")), timeout_seconds=60)
    assert run.reason_code == "IMAGE_PULL"
    assert "could not be started: the cluster cannot fetch its image" in run.reason


@pytest.mark.faults
def test_a_run_waits_for_a_gpu_and_fails_when_its_time_in_the_queue_is_over(launch: Launch, settings) -> None:
    run = launch("fails", gpus=3)
    wait_until(lambda: drive_once(run).waiting == "Waits for a free GPU.", 60)
    run.refresh_from_db()
    assert run.status == Status.STAGING
    Run.objects.filter(pk=run.pk).update(status_changed_at=timezone.now() - timedelta(hours=25))
    drive(run)
    assert (run.reason_code, "within 24 hours. Waits for a free GPU." in run.reason) == ("NO_GPU", True)


def test_a_run_gets_the_gpu_that_it_names(launch: Launch) -> None:
    run = drive(launch("fails", gpus=1, gpu_product="NVIDIA-A100-SXM4-80GB"), timeout_seconds=100)
    assert run.reason_code == "EXIT_3"


def test_a_cancelled_run_is_gone(launch: Launch, as_bob: Entry, api: KubernetesApi) -> None:
    run = drive(launch("waits"), Status.RUNNING)
    services.cancel(run, by=as_bob.user)
    drive(run)
    assert run.status == Status.CANCELLED
    assert "awake" in services.whole_log(run)
    assert api.read(JOB, run.name, run.project.namespace) is None


@pytest.mark.faults
def test_a_job_deleted_by_hand_ends_its_run(launch: Launch, api: KubernetesApi) -> None:
    run = drive(launch("waits"), Status.RUNNING)
    api.delete(JOB, run.name, run.project.namespace)
    drive(run)
    assert (run.reason_code, run.reason) == ("LOST", "Somebody deleted the run's Job in the cluster.")


@pytest.mark.faults
def test_a_pod_that_vanished_is_made_again_twice(launch: Launch, api: KubernetesApi) -> None:
    run = launch("waits")
    for attempt in (1, 2, 3):
        drive(run, Status.RUNNING)
        assert run.attempt == attempt
        api.delete(POD, pod_of(api, run), run.project.namespace, grace_seconds=0)
        wait_until(lambda: drive_once(run).status != Status.RUNNING, 60)
    assert drive(run).reason_code == "LOST"


@pytest.mark.faults
def test_an_evicted_run_says_so(launch: Launch, api: KubernetesApi, kubernetes: Kubernetes) -> None:
    run = drive(launch("waits"), Status.RUNNING)
    namespace, pod = run.project.namespace, pod_of(api, run)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
    address = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    kubernetes.kubectl("create", "--raw", address, "-f", "-", manifest=eviction)
    assert drive(run).reason_code == "EVICTED"


@pytest.mark.faults
def test_a_cluster_that_does_not_answer_for_a_while_costs_the_run_nothing(launch: Launch, cluster: Cluster) -> None:
    run = drive(launch("dawdles"), Status.RUNNING)
    Cluster.objects.update(server=f"https://127.0.0.1:{free_port()}")
    tasks.observe_cluster(cluster.pk)
    run.refresh_from_db()
    assert (run.status, run.waiting) == (Status.RUNNING, UNREACHABLE)
    services.advance(run)
    run.refresh_from_db()
    assert (run.status, run.waiting) == (Status.RUNNING, UNREACHABLE)
    Cluster.objects.update(server=cluster.server)
    assert drive_once(run).waiting == ""
    drive(run)
    assert (run.reason_code, run.attempt) == ("NO_OUTPUT", 1)


def said_after(run: Run) -> timedelta:
    """From the end of the algorithm, or of its time, to the reason."""
    assert run.started_at
    over = run.started_at + timedelta(seconds=run.algorithm.timeout_seconds)
    return run.status_changed_at - min(run.ended_at or over, over)


def drive_once(run: Run) -> Run:
    run = Run.objects.get(pk=run.pk)
    services.advance(run)
    run.refresh_from_db()
    return run


def pod_of(api: KubernetesApi, run: Run) -> str:
    (pod,) = api.objects(POD, namespace=run.project.namespace, labels=f"{RUN_LABEL}={run.name}")
    return str(pod["metadata"]["name"])
