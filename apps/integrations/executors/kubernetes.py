"""Runs as Jobs of a Kubernetes cluster, found again by name; nothing of them is remembered here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from apps.integrations.executors.job import (
    ALGORITHM,
    COLLECT,
    ENDED_BY,
    RUN_LABEL,
    JobSpec,
    config_maps_of,
    job_of,
)
from apps.integrations.executors.job_status import JobObservation, observation_of, observation_of_pod
from apps.integrations.executors.port import (
    LOG_CHUNK_BYTES,
    EndedBy,
    Limits,
    LogChunk,
    RunStillActive,
    State,
    decode_chunk,
)
from apps.integrations.kubernetes.ours import NAME_LABEL, selector_of
from apps.integrations.kubernetes.port import (
    CONFIG_MAP,
    EVENT,
    JOB,
    POD,
    SERVICE,
    AlreadyExists,
    KubernetesApi,
    Manifest,
)

RUNS = selector_of({NAME_LABEL: "run"})
"""Selects the pods of all runs."""
LOG_BYTES = Limits(0, 0).log_bytes
REPORT_BYTES = 16 * 1024**2
PATIENCE_SECONDS = 3
"""A Job without a pod for longer has something that is in its way."""
IN_THE_WAY = {
    "exceeded quota": "Waits for room in the project's quota.",
    "violates PodSecurity": "The cluster's rules refuse the run's pod; an administrator has to look.",
}


class KubernetesExecutor:
    """The port's side for one namespace. All verbs raise ClusterUnreachable and ApiRefused."""

    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    def start(self, run: JobSpec) -> None:
        """See `Executor.start`. The Job comes last: where it is, nothing is missing."""
        if self._api.read(JOB, run.name, run.namespace) is not None:
            return
        for part in config_maps_of(run):
            self._api.apply(part)
        try:
            self._api.create(job_of(run))
        except AlreadyExists:
            return

    def observe(self, name: str) -> JobObservation:
        """See `Executor.observe`. A run that had its time is stopped here: a pod's own limit is for all its parts."""
        job = self._api.read(JOB, name, self._namespace)
        seen = observation_of(job, self._pod(name))
        if seen.is_overdue(datetime.now(UTC)):
            self.stop(name, ended_by=EndedBy.TIMEOUT)
        if seen.state is State.STARTING and not seen.node and job and _age(job) > PATIENCE_SECONDS:
            return replace(seen, waiting=seen.waiting or self._what_is_in_the_way(name))
        return seen

    def stop(self, name: str, *, ended_by: EndedBy = EndedBy.STOPPED) -> None:
        """See `Executor.stop`. By the pod's deadline, since a deleted pod takes its log along."""
        job, pod = self._api.read(JOB, name, self._namespace), self._pod(name)
        if job is None or not observation_of(job, pod).is_active:
            return
        wish = job["metadata"].get("annotations", {}).get(ENDED_BY, str(ended_by))
        stopped = _named(job, "batch/v1", "Job") | {"spec": {}}
        stopped["metadata"]["annotations"] = {ENDED_BY: wish}
        if pod is None or not pod["spec"].get("nodeName"):
            stopped["spec"] = {"activeDeadlineSeconds": 1}
        self._api.apply(stopped)
        if pod is not None and pod["spec"].get("nodeName"):
            self._api.apply(_named(pod, "v1", "Pod") | {"spec": {"activeDeadlineSeconds": 1}})

    def log(self, name: str, offset: int = 0) -> LogChunk:
        """See `Executor.log`."""
        return decode_chunk(self.whole_log(self.observe(name))[offset : offset + LOG_CHUNK_BYTES], offset)

    def whole_log(self, seen: JobObservation) -> bytes:
        """As much of the algorithm's log as the cluster still has, from its oldest line on, at most 4 MiB."""
        if seen.ended_by is EndedBy.START_FAILED:
            return f"The algorithm could not be started. {seen.detail}\n".encode()
        return self._log(seen, ALGORITHM, LOG_BYTES)

    def report(self, seen: JobObservation) -> bytes:
        """What `collect` has said so far; empty when nothing."""
        return self._log(seen, COLLECT, REPORT_BYTES)

    def remove(self, name: str) -> None:
        """See `Executor.remove`."""
        if self.observe(name).is_active:
            raise RunStillActive(name)
        self.delete(name)

    def delete(self, name: str) -> None:
        """End and forget a run at once, its log included. Twice is once."""
        self._api.delete(JOB, name, self._namespace)
        for part in self._api.objects(CONFIG_MAP, namespace=self._namespace, labels=selector_of({RUN_LABEL: name})):
            self._api.delete(CONFIG_MAP, part["metadata"]["name"], self._namespace)

    def address_of(self, service: str) -> str | None:
        """The address, within the cluster, of a Service in the namespace."""
        found = self._api.read(SERVICE, service, self._namespace)
        return None if found is None else str(found["spec"]["clusterIP"])

    def _log(self, seen: JobObservation, container: str, limit_bytes: int) -> bytes:
        if not seen.pod or seen.has_lost_node:
            return b""
        return self._api.log(self._namespace, seen.pod, container, limit_bytes=limit_bytes)

    def _pod(self, name: str) -> Manifest | None:
        return _newest(self._api.objects(POD, namespace=self._namespace, labels=selector_of({RUN_LABEL: name})))

    def _what_is_in_the_way(self, name: str) -> str:
        fields = f"involvedObject.kind=Job,involvedObject.name={name}"
        for event in self._api.objects(EVENT, namespace=self._namespace, fields=fields):
            for cause, sentence in IN_THE_WAY.items():
                if cause in event.get("message", ""):
                    return sentence
        return ""


def observations(api: KubernetesApi) -> dict[tuple[str, str], JobObservation]:
    """All runs of a cluster that have a pod, by namespace and name: one list, however many there are."""
    pods: dict[tuple[str, str], list[Manifest]] = {}
    for pod in api.objects(POD, labels=RUNS):
        metadata = pod["metadata"]
        pods.setdefault((metadata["namespace"], metadata["labels"].get(RUN_LABEL, "")), []).append(pod)
    return {key: observation_of_pod(newest) for key, found in pods.items() if (newest := _newest(found))}


def _newest(pods: Iterable[Manifest]) -> Manifest | None:
    return max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)


def _named(one: Manifest, api_version: str, kind: str) -> Manifest:
    """With its uid, so that what has gone meanwhile is not made anew."""
    metadata = {key: one["metadata"][key] for key in ("name", "namespace", "uid")}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _age(job: Manifest) -> float:
    created_at = datetime.fromisoformat(job["metadata"]["creationTimestamp"])
    return (datetime.now(UTC) - created_at).total_seconds()
