"""Runs in the project's namespace of a cluster: the run's own Job fetches the images and stores the outputs.

The worker starts it, follows it, and finds the outputs in the archive's index in the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from apps.archives import services as archives
from apps.archives.selectors import outage_of
from apps.clusters.models import Cluster
from apps.clusters.services import connect
from apps.core.sealed import SecretUnreadable
from apps.integrations.executors.job import JobSpec
from apps.integrations.executors.job_status import JobObservation
from apps.integrations.executors.kubernetes import KubernetesExecutor
from apps.integrations.executors.port import EndedBy, LogChunk, Observation, State
from apps.integrations.kubernetes.port import ClusterUnreachable, Forbidden
from apps.jobs import arguments, kept_log
from apps.jobs.cluster.collect import decode_report
from apps.jobs.cluster.containers import WRONG
from apps.jobs.cluster.request import Request
from apps.jobs.gate_report import Expected, GateReport
from apps.jobs.leftovers import note_stored, remove_leftovers
from apps.jobs.looks import ANSWER_SECONDS, asking
from apps.jobs.models import Run
from apps.jobs.outputs import are_in_index
from apps.jobs.place import NotYet, RunBroke, RunFails, limits_of
from apps.jobs.reasons import Reason, ReasonCode, reason_of

UNREACHABLE = "The cluster does not answer; the run goes on by itself when it does."
REFUSED = "The cluster refuses the portal's requests; an administrator has to look."
INDEXING = "Waits for the archive's index."
NO_ARCHIVE = "Waits for the project's archive."
ARCHIVE_AWAY = "The project's archive cannot be used now; the run goes on by itself when it can."
ARCHIVE, ARCHIVE_PORT = "orthanc", 8042
"""Name of the archive's Service and of the Secret with its users."""
OWN = ("python", "-m")
INDEX_PATIENCE = timedelta(hours=1)


class InCluster:
    """See `Place`."""

    def __init__(self, cluster_pk: int, namespace: str) -> None:
        self._cluster_pk = cluster_pk
        self._namespace = namespace

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster.objects.get(pk=self._cluster_pk)

    @cached_property
    def _executor(self) -> KubernetesExecutor:
        return KubernetesExecutor(connect(self._cluster, answer_seconds=ANSWER_SECONDS), self._namespace)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with asking(self._cluster_pk):
                yield
        except ClusterUnreachable as unreachable:
            raise NotYet(UNREACHABLE) from unreachable
        except (Forbidden, SecretUnreadable) as refused:
            raise NotYet(REFUSED) from refused

    def stage(self, run: Run) -> None:
        with self._asking():
            seen = self._executor.observe(run.name)
            if seen.state is State.ABSENT:
                self._begin(run)
                raise NotYet
        if seen.is_staged:
            return
        if seen.stage_exit_code is not None and seen.ended_by in (None, EndedBy.START_FAILED):
            raise _images_missing(seen)
        _check_not_ended(run, seen)
        if not seen.node and is_queue_over(run):
            raise _no_room(run, seen)
        raise NotYet(seen.waiting)

    def start(self, run: Run) -> Observation:
        seen = self.observe(run)
        if seen.started_at is not None:
            return seen
        _check_not_ended(run, seen)
        raise NotYet(seen.waiting)

    def observe(self, run: Run) -> JobObservation:
        with self._asking():
            seen = self._executor.observe(run.name)
            if seen.state is State.ABSENT:
                raise RunFails(Reason(ReasonCode.LOST, "Somebody deleted the run's Job in the cluster."))
        self.follow(run, seen)
        return seen

    def follow(self, run: Run, seen: JobObservation) -> None:
        """Keep what the algorithm has said so far."""
        with self._asking():
            kept_log.replace(run.name, self._executor.whole_log(seen))

    def check(self, run: Run) -> GateReport:
        seen = self.observe(run)
        with self._asking():
            report = decode_report(self._executor.report(seen))
        if report is not None:
            return report
        _check_still_collecting(seen)
        raise NotYet(seen.waiting)

    def store(self, run: Run, report: GateReport) -> None:
        seen = self.observe(run)
        if seen.collect_exit_code is None:
            _check_still_collecting(seen)
            raise NotYet(seen.waiting)
        if seen.collect_exit_code != 0:
            raise _not_stored(seen)
        if are_in_index(run, report):
            return
        try:
            is_complete = archives.refresh(run.archive)
        except archives.ArchiveUnreachable as unreachable:
            raise NotYet(str(unreachable)) from unreachable
        if not are_in_index(run, report):
            if is_complete or timezone.now() - run.status_changed_at > INDEX_PATIENCE:
                sentence = "The outputs could not be stored. The archive's index does not have them."
                raise RunFails(Reason(ReasonCode.STORE_FAILED, sentence))
            raise NotYet(INDEXING)

    def stop(self, run: Run) -> None:
        with self._asking():
            seen = self._executor.observe(run.name)
            kept_log.replace(run.name, self._executor.whole_log(seen))
            self._delete_attempts(run, up_to=run.attempt)

    def log(self, name: str, offset: int) -> LogChunk:
        return kept_log.read(name, offset)

    def clean(self, run: Run) -> None:
        remove_leftovers(run)
        with self._asking():
            for attempt in range(1, run.attempt + 1):
                self._executor.delete(run.attempt_name(attempt))
        for attempt in range(1, run.attempt + 1):
            shutil.rmtree(Path(settings.RUNS_DIR, run.attempt_name(attempt)), ignore_errors=True)

    def _begin(self, run: Run) -> None:
        self._delete_attempts(run, up_to=run.attempt - 1)
        # An attempt that begins now would be used up for nothing.
        if outage_of(run.archive):
            raise NotYet(ARCHIVE_AWAY)
        address = self._executor.address_of(ARCHIVE)
        if address is None:
            raise NotYet(NO_ARCHIVE)
        self._executor.start(spec_of(run, self._cluster.image_prefix, f"http://{address}:{ARCHIVE_PORT}"))

    def _delete_attempts(self, run: Run, *, up_to: int) -> None:
        """Nothing of the attempts goes on; what their Jobs may have stored is noted first, so that it is removed."""
        for attempt in range(1, up_to + 1):
            name = run.attempt_name(attempt)
            if run.status != Run.Status.SUCCEEDED:
                seen = self._executor.observe(name)
                if report := decode_report(self._executor.report(seen)):
                    note_stored(run, report)
            self._executor.delete(name)


def is_queue_over(run: Run) -> bool:
    """Whether a run has waited for a node for as long as it may."""
    return timezone.now() - run.status_changed_at >= timedelta(hours=settings.RUN_QUEUE_HOURS)


def spec_of(run: Run, image_prefix: str, archive: str) -> JobSpec:
    """The present attempt as its cluster is asked to carry it out."""
    algorithm, limits = run.algorithm, limits_of(run)
    request = Request(
        archive=archive,
        study_instance_uid=run.study_instance_uid,
        series_instance_uid=run.series_instance_uid,
        inputs=dict(run.inputs.order_by("sop_instance_uid").values_list("sop_instance_uid", "sha256")),
        expected=Expected(tuple(algorithm.produced_sop_classes), max_bytes=limits.output_bytes),
        abandoned=tuple(run.abandoned),
    )
    return JobSpec(
        name=run.name,
        namespace=run.project.namespace,
        image=run.image,
        arguments=(run.series_instance_uid, *arguments.options(run.arguments)),
        limits=limits,
        own_image=settings.PORTAL_IMAGE or f"{image_prefix}/maia-dashboard:{settings.VERSION}",
        stage_command=(*OWN, "apps.jobs.cluster.stage"),
        collect_command=(*OWN, "apps.jobs.cluster.collect"),
        input_bytes=run.input_bytes,
        request=request.encode(),
        archive_secret=ARCHIVE,
        gpus=run.gpus,
        gpu_product=algorithm.gpu_product,
    )


def _no_room(run: Run, seen: JobObservation) -> RunFails:
    code = ReasonCode.NO_GPU if run.gpus else ReasonCode.NO_ROOM
    sentence = f"The cluster found no room for the run within {settings.RUN_QUEUE_HOURS} hours. {seen.waiting}"
    return RunFails(Reason(code, sentence.strip()))


def _images_missing(seen: JobObservation) -> RunFails | RunBroke:
    reason = Reason(ReasonCode.STORE_FAILED, f"The images could not be fetched. {seen.said}".strip())
    return RunFails(reason) if seen.stage_exit_code == WRONG else RunBroke(reason)


def _not_stored(seen: JobObservation) -> RunFails | RunBroke:
    reason = Reason(ReasonCode.STORE_FAILED, f"The outputs could not be stored. {seen.said}".strip())
    return RunFails(reason) if seen.collect_exit_code == WRONG else RunBroke(reason)


def _check_not_ended(run: Run, seen: JobObservation) -> None:
    """For a run whose algorithm has not begun."""
    if seen.state is State.EXITED:
        reason = reason_of(seen, limits_of(run), last_words="")
        raise RunFails(reason or Reason(ReasonCode.LOST, "The algorithm could not be started."))
    if seen.state is State.LOST:
        raise RunBroke(Reason(ReasonCode.LOST, "The cluster lost the run, three times in a row."))


def _check_still_collecting(seen: JobObservation) -> None:
    if seen.is_over or seen.state is State.LOST:
        raise _not_stored(seen)
