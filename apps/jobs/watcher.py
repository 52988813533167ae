"""Tells at once what becomes of the runs in clusters: one thread for each cluster where something is under way.

It changes no run, it rings for those that changed. Rows stay the queue: what it misses, a look at the cluster finds.
Of several watchers one watches a cluster, by a lease; the others stand by.
"""

from __future__ import annotations

import threading
import time

import structlog
from django.db import DatabaseError, connection

from apps.clusters.models import Cluster
from apps.clusters.services import connect
from apps.core.doorbell import ring
from apps.core.leases import Held, LeaseLost, lease
from apps.core.sealed import SecretUnreadable
from apps.integrations.executors.kubernetes import RUNS
from apps.integrations.kubernetes.port import POD, ApiRefused, ClusterUnreachable, KubernetesApi, VersionGone
from apps.jobs.looks import ANSWER_SECONDS
from apps.jobs.watching import clusters_with_runs, note, watch_of

LOOK_SECONDS, WATCH_SECONDS = 1.0, 50.0
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0

log = structlog.get_logger(__name__)


class Watcher:
    """Starts a thread for each cluster that has runs, again when one has ended."""

    def __init__(self) -> None:
        self._is_stopping = False
        self._threads: dict[int, threading.Thread] = {}
        self._held: dict[int, Held] = {}

    def run(self) -> None:
        """Returns after `stop`. The threads end with the process."""
        while not self._is_stopping:
            self._look()
            time.sleep(LOOK_SECONDS)
        for held in list(self._held.values()):
            held.release()

    def stop(self) -> None:
        """May be called by a handler of signals."""
        self._is_stopping = True

    @property
    def is_watching(self) -> bool:
        """Whether any cluster is watched by this one."""
        return bool(self._held)

    def _look(self) -> None:
        try:
            found = clusters_with_runs()
        except DatabaseError:
            log.exception("clusters to watch could not be read")
            connection.close()
            return
        for pk in found:
            if pk not in self._threads or not self._threads[pk].is_alive():
                self._threads[pk] = threading.Thread(target=self._watch, args=(pk,), daemon=True)
                self._threads[pk].start()

    def _watch(self, cluster_pk: int) -> None:
        try:
            with lease(watch_of(cluster_pk)) as held:
                if held:
                    self._held[cluster_pk] = held
                    self._go_on(ClusterWatch(cluster_pk), held)
        except LeaseLost:
            log.warning("another watches the cluster now", cluster=cluster_pk)
        except Exception:
            log.exception("watch of a cluster ended", cluster=cluster_pk)
        finally:
            self._held.pop(cluster_pk, None)
            connection.close()

    def _go_on(self, watch: ClusterWatch, held: Held) -> None:
        while not self._is_stopping and watch.cluster_pk in clusters_with_runs():
            held.check()
            watch.go_on()
            time.sleep(watch.pause_seconds)


class ClusterWatch:
    """Where the watch of one cluster stands."""

    def __init__(self, cluster_pk: int) -> None:
        self.cluster_pk = cluster_pk
        self._version = ""
        self._failures = 0

    @property
    def pause_seconds(self) -> float:
        """Ever longer with each failure in a row."""
        return min(PAUSE_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)

    def go_on(self) -> None:
        """Rings for each run that changes, from where the connection before ended, until this one ends."""
        try:
            api = connect(Cluster.objects.get(pk=self.cluster_pk), answer_seconds=ANSWER_SECONDS)
            self._version = self._version or self._begin(api)
            for change in api.watch(POD, since=self._version, seconds=WATCH_SECONDS, labels=RUNS):
                note(self.cluster_pk, change)
                self._version, self._failures = change.version, 0
            self._failures = 0
        except VersionGone:
            self._note_failure()
            self._version = ""
        except (ClusterUnreachable, ApiRefused, SecretUnreadable) as trouble:
            log.warning("cluster could not be watched", cluster=self.cluster_pk, trouble=type(trouble).__name__)
            self._note_failure()

    def _begin(self, api: KubernetesApi) -> str:
        """What happened before is found by one look at all runs."""
        version = api.latest_version(POD, labels=RUNS)
        ring("jobs.observe_cluster", self.cluster_pk)
        return version

    def _note_failure(self) -> None:
        """A cluster that was set up anew does not know the version that the watch had come to."""
        self._failures += 1
        if self._failures > 1:
            self._version = ""
