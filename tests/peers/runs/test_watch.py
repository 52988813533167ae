"""The watch on a real cluster: it alone carries a run to its end, also over a connection that is cut in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from apps.archives.models import Series
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.port import POD, KubernetesApi
from apps.jobs import services
from apps.jobs.models import Algorithm, Run
from apps.jobs.watcher import Watcher
from apps.projects.access import Entry
from tests.peers.forwarder import Forwarder, forwarding
from tests.peers.runs.conftest import Launch
from tests.peers.starting import LOOPBACK
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.peers,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
]
Status = Run.Status


@pytest.fixture
def way(cluster: Cluster) -> Iterator[Forwarder]:
    """To the cluster, for the portal alone."""
    with forwarding(int(cluster.server.rpartition(":")[2])) as forwarder:
        Cluster.objects.update(server=f"https://{LOOPBACK}:{forwarder.port}")
        yield forwarder


@pytest.fixture(autouse=True)
def _short_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that was stopped ends with its connection, however little there is to tell."""
    monkeypatch.setattr("apps.jobs.watcher.WATCH_SECONDS", 10.0)


@contextmanager
def watched() -> Iterator[None]:
    """Nothing else looks at the cluster; bells are answered by whoever rings them."""
    watcher = Watcher()

    def run() -> None:
        try:
            watcher.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        watcher.stop()
        thread.join()
        wait_until(lambda: not watcher.is_watching, 90)


def has(run: Run, *statuses: Status) -> Callable[[], bool]:
    def look() -> bool:
        run.refresh_from_db()
        return run.status in (*statuses, *Run.FINAL)

    return look


def test_it_alone_carries_a_run_to_its_end(
    as_bob: Entry, segmentation: Algorithm, ct: Series, api: KubernetesApi, bells: list[str]
) -> None:
    with watched():
        run = services.launch(as_bob, segmentation, ct, arguments={})
        wait_until(lambda: _has_ended(api, run), 120)
        ended = time.monotonic()
        wait_until(has(run, Status.SUCCEEDED), 20)
        print(f"the result is there {time.monotonic() - ended:.2f} s after the run's pod has ended")
    assert run.status == Status.SUCCEEDED, run.reason
    assert "jobs.observe_active" not in bells
    assert bells.count("jobs.observe_cluster") == 1


def test_it_tells_why_a_run_failed_within_a_minute(launch: Launch, api: KubernetesApi, bells: list[str]) -> None:
    with watched():
        run = launch("hoards", limits={"memory_bytes": 256 * 2**20})
        wait_until(lambda: _has_ended(api, run), 120)
        wait_until(has(run, Status.FAILED), 60)
    assert run.reason_code == "OUT_OF_MEMORY", run.reason
    assert "jobs.observe_active" not in bells


def test_it_goes_on_where_it_was_when_its_connection_is_cut(
    way: Forwarder, as_bob: Entry, segmentation: Algorithm, ct: Series, api: KubernetesApi, bells: list[str]
) -> None:
    with watched():
        run = services.launch(as_bob, segmentation, ct, arguments={})
        wait_until(has(run, Status.STARTING, Status.RUNNING, Status.COLLECTING), 60)
        with way.closed():
            wait_until(lambda: _has_ended(api, run), 120)
        wait_until(has(run, Status.SUCCEEDED), 60)
    assert run.status == Status.SUCCEEDED, run.reason


def _has_ended(api: KubernetesApi, run: Run) -> bool:
    pods = api.objects(POD, namespace=run.project.namespace, labels=f"maia.io/run={run.name}")
    return run.status in Run.FINAL or any(pod["status"].get("phase") in ("Succeeded", "Failed") for pod in pods)
