"""The watch of runs in clusters: rings at once for those that changed, goes on where it was, and is not needed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.clusters.models import Cluster
from apps.clusters.services import connect, place
from apps.core import leases
from apps.core.leases import are_held, lease
from apps.integrations.kubernetes.port import POD
from apps.jobs import tasks, watcher, watching
from apps.jobs.looks import look_again
from apps.jobs.models import ClusterLook, Run
from apps.jobs.watcher import ClusterWatch, Watcher
from apps.jobs.watching import watch_of
from tests.clusters.rows import make_cluster
from tests.clusters.servers import serving
from tests.jobs.in_cluster import *  # noqa: F403
from tests.jobs.in_cluster import DONE, RUNS, Kubelet
from tests.killing import exit_of_child
from tests.waiting import wait_until

Bells = list[tuple[str, int]]
SECONDS = 0.3


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(watcher, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(watcher, "WATCH_SECONDS", SECONDS)


def watch(cluster: Cluster) -> ClusterWatch:
    """One that has begun, and told nothing yet."""
    made = ClusterWatch(cluster.pk)
    made.go_on()
    return made


def test_it_begins_with_a_look_at_all_and_then_rings_for_what_has_news(
    kubelet: Kubelet, cluster: Cluster, bells: Bells
) -> None:
    run = kubelet.advance()
    watching_it = watch(cluster)
    assert bells == [("jobs.observe_cluster", cluster.pk)]
    bells.clear()
    kubelet.show(RUNS)
    watching_it.go_on()
    assert bells == []
    kubelet.show(DONE, RUNS)
    watching_it.go_on()
    watching_it.go_on()
    assert bells == [("jobs.advance", run.pk)]


def test_a_pod_that_is_gone_is_news(kubelet: Kubelet, cluster: Cluster, bells: Bells) -> None:
    run = kubelet.advance()
    kubelet.show(RUNS)
    watching_it = watch(cluster)
    bells.clear()
    kubelet.api.delete(POD, kubelet.pod, kubelet.namespace)
    watching_it.go_on()
    assert bells == [("jobs.advance", run.pk)]


def test_pods_that_are_none_of_a_run_ring_for_nobody(kubelet: Kubelet, cluster: Cluster, bells: Bells) -> None:
    kubelet.advance()
    watching_it = watch(cluster)
    bells.clear()
    kubelet.show(DONE, RUNS)
    pod = kubelet.api.read(POD, kubelet.pod, kubelet.namespace)
    assert pod
    for name, namespace in (("stranger", "default"), ("nobody", kubelet.namespace), ("earlier", kubelet.namespace)):
        labels = {**pod["metadata"]["labels"]}
        labels["maia.io/run"] = {"nobody": "run-x-1", "earlier": f"run-{kubelet.run.pk}-7"}.get(name, kubelet.run.name)
        kubelet.api.put({**pod, "metadata": {"name": name, "namespace": namespace, "labels": labels}})
    theirs = {"name": "theirs", "namespace": "default", "labels": {"app.kubernetes.io/name": "run"}}
    kubelet.api.put({**pod, "metadata": theirs, "spec": {}, "status": {"phase": "Odd"}})
    kubelet.api.delete(POD, kubelet.pod, kubelet.namespace)
    Run.objects.update(status=Run.Status.SUCCEEDED)
    watching_it.go_on()
    assert bells == []


def test_what_changes_while_somebody_is_at_work_is_looked_at_soon(
    kubelet: Kubelet, cluster: Cluster, bells: Bells
) -> None:
    kubelet.advance()
    watching_it = watch(cluster)
    look_again(cluster.pk, seconds=60)
    bells.clear()
    Run.objects.update(claimed_until=timezone.now() + timedelta(seconds=60), claim_token="another")
    kubelet.show(DONE, RUNS)
    watching_it.go_on()
    assert bells == []
    tasks.observe_active()
    assert bells == [("jobs.observe_cluster", cluster.pk)]


def test_a_watch_that_broke_goes_on_where_it_was(kubelet: Kubelet, cluster: Cluster, bells: Bells) -> None:
    run = kubelet.advance()
    watching_it = watch(cluster)
    bells.clear()
    kubelet.api.denied.add(("watch", "pods"))
    watching_it.go_on()
    assert watching_it.pause_seconds == 2 * watcher.PAUSE_SECONDS
    kubelet.show(DONE, RUNS)
    kubelet.api.denied.clear()
    watching_it.go_on()
    assert bells == [("jobs.advance", run.pk)]
    assert watching_it.pause_seconds == watcher.PAUSE_SECONDS


def test_where_the_cluster_has_forgotten_it_looks_at_all_again(
    kubelet: Kubelet, cluster: Cluster, bells: Bells
) -> None:
    kubelet.advance()
    watching_it = watch(cluster)
    kubelet.show(DONE, RUNS)
    kubelet.api.forget_history()
    bells.clear()
    watching_it.go_on()
    assert bells == []
    watching_it.go_on()
    assert bells == [("jobs.observe_cluster", cluster.pk)]


def test_it_pauses_ever_longer(kubelet: Kubelet, cluster: Cluster, bells: Bells) -> None:
    kubelet.api.is_down = True
    watching_it = ClusterWatch(cluster.pk)
    pauses = []
    for _ in range(20):
        watching_it.go_on()
        pauses.append(watching_it.pause_seconds)
    assert pauses[:3] == [2 * watcher.PAUSE_SECONDS, 4 * watcher.PAUSE_SECONDS, 8 * watcher.PAUSE_SECONDS]
    assert pauses[-1] == watcher.LONGEST_PAUSE_SECONDS
    kubelet.api.is_down = False
    watching_it.go_on()
    assert bells == [("jobs.observe_cluster", cluster.pk)]


def test_credentials_that_cannot_be_opened_are_waited_for(
    kubelet: Kubelet, cluster: Cluster, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cluster.objects.update(token="secret")
    settings.CREDENTIALS_KEY = "another"
    monkeypatch.setattr(watcher, "connect", connect)
    watching_it = watch(cluster)
    assert watching_it.pause_seconds > watcher.PAUSE_SECONDS


def test_a_watched_cluster_is_asked_seldom_where_nothing_is_expected(
    kubelet: Kubelet, cluster: Cluster, bells: Bells
) -> None:
    kubelet.advance()
    kubelet.show(RUNS)
    assert seconds_to_next_look(cluster) < 2
    with lease(watch_of(cluster.pk)):
        assert 10 < seconds_to_next_look(cluster) <= watching.QUIET_SECONDS
        bells.clear()
        tasks.observe_active()
        assert bells == []
        kubelet.show(DONE, RUNS)
        assert seconds_to_next_look(cluster) < 2
        kubelet.advance()
        # Its log is followed.
        assert seconds_to_next_look(cluster) < 2


def test_a_cluster_is_not_quiet_while_somebody_is_at_work_there(
    kubelet: Kubelet, cluster: Cluster, bells: Bells
) -> None:
    kubelet.advance()
    kubelet.show(RUNS)
    Run.objects.update(claimed_until=timezone.now() + timedelta(seconds=60), claim_token="another")
    with lease(watch_of(cluster.pk)):
        assert seconds_to_next_look(cluster) < 2


def seconds_to_next_look(cluster: Cluster) -> float:
    tasks.observe_cluster(cluster.pk)
    return (ClusterLook.objects.get(cluster=cluster).due_at - timezone.now()).total_seconds()


@contextmanager
def running(*watchers: Watcher) -> Iterator[None]:
    def run(one: Watcher) -> None:
        try:
            one.run()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in watchers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in watchers:
            one.stop()
        for thread in threads:
            thread.join()
        for one in watchers:
            wait_until(lambda one=one: not one.is_watching)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_two_watchers_one_watches_and_the_other_takes_over(kubelet: Kubelet, cluster: Cluster, bells: Bells) -> None:
    run = kubelet.advance()
    first, second = Watcher(), Watcher()
    with running(second), running(first):
        wait_until(lambda: bells)
        kubelet.show(DONE, RUNS)
        wait_until(lambda: ("jobs.advance", run.pk) in bells)
        assert bells == [("jobs.observe_cluster", cluster.pk), ("jobs.advance", run.pk)]
        second.stop() if second.is_watching else first.stop()
        wait_until(lambda: bells.count(("jobs.observe_cluster", cluster.pk)) == 2)


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_cluster_that_hangs_holds_up_no_other(
    kubelet: Kubelet, cluster: Cluster, bells: Bells, make_project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "ANSWER_SECONDS", 0.5)
    run = kubelet.advance()
    with serving(lambda asked: time.sleep(2)) as silent:
        hanging = make_cluster("hangs", server=silent.address, ca_pem=silent.ca_pem)
        project = make_project("elsewhere")
        place(project, cluster=hanging)
        _copy(run, project_id=project.pk, cluster_id=hanging.pk)
        twin = kubelet.api
        monkeypatch.setattr(watcher, "connect", lambda one, **how: twin if one == cluster else connect(one, **how))
        with running(Watcher()):
            wait_until(lambda: silent.asked and bells)
            started = time.monotonic()
            kubelet.show(DONE, RUNS)
            wait_until(lambda: ("jobs.advance", run.pk) in bells)
            print(f"seen by the watch after {time.monotonic() - started:.2f} s, another cluster hanging")
    assert ("jobs.observe_cluster", hanging.pk) not in bells


def _copy(run: Run, **changed: int) -> None:
    other = Run.objects.get(pk=run.pk)
    other.pk, other.submission_key = None, None
    for name, value in changed.items():
        setattr(other, name, value)
    other.save(force_insert=True)


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_watcher_that_is_killed_is_missed_by_nobody(
    kubelet: Kubelet, cluster: Cluster, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.6)
    run = kubelet.advance()
    kubelet.show(RUNS)

    def watch_and_die() -> None:
        threading.Thread(target=Watcher().run, daemon=True).start()
        wait_until(lambda: are_held([watch_of(cluster.pk)]))
        os.kill(os.getpid(), signal.SIGKILL)

    assert exit_of_child(watch_and_die) == -signal.SIGKILL
    tasks.observe_cluster(cluster.pk)
    kubelet.show(DONE, RUNS)
    # Its lease runs out, so that the next look is as soon as without a watcher.
    wait_until(lambda: not are_held([watch_of(cluster.pk)]))
    ClusterLook.objects.update(due_at=timezone.now())
    tasks.observe_active()
    tasks.observe_cluster(cluster.pk)
    assert bells == [("jobs.observe_cluster", cluster.pk), ("jobs.advance", run.pk)]
    assert seconds_to_next_look(cluster) < 2
