"""A cluster that accepts and never answers holds up its own runs and nobody else's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.clusters.models import Cluster
from apps.clusters.services import connect, place
from apps.core import doorbell
from apps.integrations.kubernetes.port import JOB
from apps.jobs import in_cluster, looks, tasks, watching
from apps.jobs.in_cluster import UNREACHABLE
from apps.jobs.models import ClusterLook, Run
from tests.clusters.rows import make_cluster
from tests.clusters.servers import Handler, Server, answer, refusal, serving
from tests.jobs.in_cluster import *  # noqa: F403
from tests.jobs.in_cluster import Kubelet, Status
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
SECONDS = 1.5


@dataclass
class Silent:
    """A cluster that keeps silent until it is told to speak, with five runs that are to be cancelled."""

    server: Server
    speaks: threading.Event
    cluster: Cluster
    runs: list[Run]
    rung: list[tuple[str, int]] = field(default_factory=list)


@pytest.fixture
def silent(kubelet: Kubelet, cluster: Cluster, make_project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    for room in (in_cluster, watching, looks):
        monkeypatch.setattr(room, "ANSWER_SECONDS", SECONDS)
    speaks = threading.Event()

    def says(asked: Handler) -> None:
        if not speaks.wait(4 * SECONDS):
            return
        asked.rfile.read(int(asked.headers["Content-Length"] or 0))
        if "/jobs/" in asked.path and asked.command == "GET":
            answer(asked, 404, refusal(404, "NotFound"))
        else:
            answer(asked, 200, {"items": [], "metadata": {}})

    with serving(says) as server:
        other = make_cluster("silent", server=server.address, ca_pem=server.ca_pem)
        project = make_project("elsewhere")
        place(project, cluster=other)
        made = Silent(server, speaks, other, [_cancelled(kubelet.run, project.pk, other.pk) for _ in range(5)])
        reach = lambda one, **how: kubelet.api if one == cluster else connect(one, **how)  # noqa: E731
        for room in (in_cluster, watching):
            monkeypatch.setattr(room, "connect", reach)
        monkeypatch.setattr(doorbell, "_send", lambda task, pks: made.rung.append((task, *pks)))
        yield made
        speaks.set()


def _cancelled(run: Run, project_pk: int, cluster_pk: int) -> Run:
    other = Run.objects.get(pk=run.pk)
    other.pk, other.submission_key, other.status = None, None, Status.CANCELLING
    other.project_id, other.cluster_id = project_pk, cluster_pk
    other.save(force_insert=True)
    return other


def advanced(run: Run) -> None:
    try:
        tasks.advance(run.pk)
    finally:
        connection.close()


def waiting(runs: list[Run]) -> list[str]:
    return list(Run.objects.filter(pk__in=[run.pk for run in runs]).order_by("pk").values_list("waiting", flat=True))


def test_it_never_takes_the_whole_worker(silent: Silent, kubelet: Kubelet) -> None:
    with ThreadPoolExecutor(4) as worker:
        theirs: list[Future[None]] = [worker.submit(advanced, run) for run in silent.runs]
        other = worker.submit(advanced, kubelet.run)
        wait_until(other.done, 4)
        wait_until(lambda: sum(one.done() for one in theirs) == 3, 4)
        kubelet.run.refresh_from_db()
        assert kubelet.run.status == Status.STAGING
        assert kubelet.api.read(JOB, kubelet.run.name, kubelet.namespace)
    # Of those that were turned away one is rung for each time that there is room.
    rung = [bell for bell in silent.rung if bell[1] in {run.pk for run in silent.runs}]
    assert len(set(rung)) == len(rung) == 2
    assert sorted(waiting(silent.runs)) == [""] * 3 + [UNREACHABLE] * 2


def test_once_it_kept_silent_nobody_waits_for_it_until_its_time_has_come(silent: Silent) -> None:
    first, *others = silent.runs
    tasks.advance(first.pk)
    asked = len(silent.server.asked)
    look = ClusterLook.objects.get(cluster=silent.cluster)
    assert look.silences == 1
    assert timedelta(seconds=3) < look.due_at - timezone.now() <= looks.FIRST_PAUSE
    for run in others:
        tasks.advance(run.pk)
    tasks.observe_active()
    tasks.observe_cluster(silent.cluster.pk)
    assert len(silent.server.asked) == asked
    assert waiting(silent.runs) == [UNREACHABLE] * 5
    assert ("jobs.observe_cluster", silent.cluster.pk) not in silent.rung


def test_one_at_a_time_asks_whether_it_answers_again(silent: Silent) -> None:
    tasks.advance(silent.runs[0].pk)
    ClusterLook.objects.update(due_at=timezone.now())
    asked = len(silent.server.asked)
    with ThreadPoolExecutor(2) as worker:
        list(worker.map(advanced, silent.runs[:2]))
    assert len(silent.server.asked) == asked + 1
    look = ClusterLook.objects.get(cluster=silent.cluster)
    assert look.silences == 2
    assert look.due_at - timezone.now() > looks.FIRST_PAUSE


def test_when_it_answers_again_its_runs_go_on(silent: Silent) -> None:
    tasks.advance(silent.runs[0].pk)
    silent.speaks.set()
    ClusterLook.objects.update(due_at=timezone.now())
    tasks.observe_active()
    assert ("jobs.observe_cluster", silent.cluster.pk) in silent.rung
    silent.rung.clear()
    tasks.observe_cluster(silent.cluster.pk)
    assert ClusterLook.objects.get(cluster=silent.cluster).silences == 0
    assert silent.rung == [("jobs.advance", run.pk) for run in silent.runs]
    for run in silent.runs:
        tasks.advance(run.pk)
    assert {run.status for run in Run.objects.filter(cluster=silent.cluster)} == {Status.CANCELLED}
