"""What a Job and its pod, as the API shows them, say of a run.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.integrations.executors.job import ALGORITHM, COLLECT, ENDED_BY, STAGE, TIMEOUT
from apps.integrations.executors.port import EndedBy, FileSystem, Network, Observation, State
from apps.integrations.kubernetes.port import Manifest

CANNOT_PULL = {"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
"""After `ErrImagePull` the cluster tries again; at `ImagePullBackOff` it has tried twice."""
CANNOT_START = {*CANNOT_PULL, "CreateContainerConfigError", "CreateContainerError"}
START_ERRORS = {"StartError", "ContainerCannotRun"}
VANISHED = {"NodeLost", "ContainerStatusUnknown"}
DISRUPTED_BY_A_DEAD_NODE = {"DeletionByTaintManager", "DeletionByPodGC"}
WAITS_FOR = {
    "Insufficient nvidia.com/gpu": "Waits for a free GPU.",
    "node affinity/selector": "Waits for a node with the GPU that the algorithm names.",
    "Insufficient memory": "Waits for a node with enough free memory.",
    "Insufficient cpu": "Waits for a node with a free processor.",
    "ephemeral-storage": "Waits for a node with enough free disk.",
}


@dataclass(frozen=True)
class JobObservation(Observation):
    """A run in a cluster as it stands now; `EXITED` speaks of the algorithm, after which `collect` has its turn."""

    waiting: str = ""
    """Why it does not go on, in plain words."""
    is_staged: bool = False
    stage_exit_code: int | None = None
    collect_exit_code: int | None = None
    said: str = ""
    """The termination message of the one of our containers that ended last."""
    is_over: bool = False
    """Nothing of the pod runs on."""
    timeout_seconds: float = 0.0
    pod: str = ""
    has_lost_node: bool = False
    """The cluster gave the pod up with its node, which alone has its logs."""

    def is_overdue(self, now: datetime) -> bool:
        started = self.started_at
        return self.state is State.RUNNING and started is not None and _passed(started, now) > self.timeout_seconds


def observation_of(job: Manifest | None, pod: Manifest | None) -> JobObservation:
    """`pod` is the newest of the Job's, if it has one."""
    if job is None:
        return JobObservation(State.ABSENT)
    wish = job["metadata"].get("annotations", {}).get(ENDED_BY)
    has_ended = any(
        condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
        for condition in job.get("status", {}).get("conditions", [])
    )
    if pod is None:
        if wish and has_ended:
            return JobObservation(State.EXITED, ended_by=EndedBy(wish), is_over=True)
        return JobObservation(State.LOST if has_ended else State.STARTING, is_over=has_ended)
    return _PodReading(pod, wish, has_ended).observation()


def observation_of_pod(pod: Manifest) -> JobObservation:
    """What the pod alone tells: all but by whom it was stopped."""
    return _PodReading(pod, None, has_ended=False).observation()


class _PodReading:
    def __init__(self, pod: Manifest, wish: str | None, has_ended: bool) -> None:
        self.status: Mapping[str, Any] = pod.get("status", {})
        self.name: str = pod["metadata"]["name"]
        self.node: str = pod["spec"].get("nodeName", "")
        self.wish = wish
        self.timeout_seconds = float(pod["metadata"].get("annotations", {}).get(TIMEOUT, 0))
        self.phase: str = self.status.get("phase", "Pending")
        # Nobody is left to end it: it stays as it was last seen, and so does its Job, until the node comes back.
        is_deleted = "deletionTimestamp" in pod["metadata"]
        self.has_lost_node = is_deleted and self._disruption() in DISRUPTED_BY_A_DEAD_NODE
        self.is_over = has_ended or self.has_lost_node or self.phase in ("Succeeded", "Failed")
        self.containers: dict[str, Mapping[str, Any]] = {
            one["name"]: one.get("state", {})
            for kind in ("initContainerStatuses", "containerStatuses")
            for one in self.status.get(kind, [])
        }

    def observation(self) -> JobObservation:
        algorithm = self.containers.get(ALGORITHM, {})
        if ended := algorithm.get("terminated"):
            return self._ended(ended)
        if running := algorithm.get("running"):
            state = State.LOST if self.is_over or self.status.get("reason") in VANISHED else State.RUNNING
            return self._seen(state, started_at=_time(running.get("startedAt")))
        if self.is_over:
            return self._never_began()
        return self._waiting(algorithm)

    def _ended(self, ended: Mapping[str, Any]) -> JobObservation:
        times = {"started_at": _time(ended.get("startedAt")), "ended_at": _time(ended.get("finishedAt"))}
        code, reason = ended["exitCode"], ended.get("reason", "")
        if code == 0:
            return self._seen(State.EXITED, exit_code=0, **times)
        if reason in START_ERRORS:
            detail = _first_line(ended.get("message", ""))
            return self._seen(State.EXITED, exit_code=code, ended_by=EndedBy.START_FAILED, detail=detail)
        ended_by = EndedBy(self.wish) if self.wish else self._ended_by(reason)
        if ended_by is None and (reason in VANISHED or self._disruption() in DISRUPTED_BY_A_DEAD_NODE):
            return self._seen(State.LOST, **times)
        return self._seen(State.EXITED, exit_code=code, ended_by=ended_by, **times)

    def _ended_by(self, reason: str) -> EndedBy | None:
        """Why the cluster ended the algorithm; None when it ended by itself."""
        if reason == "OOMKilled":
            return EndedBy.OUT_OF_MEMORY
        if self.status.get("reason") == "DeadlineExceeded":
            return EndedBy.TIMEOUT
        if self.status.get("reason") == "Evicted":
            message = self.status.get("message", "")
            is_full = "emptyDir" in message or "EmptyDir" in message or "ephemeral" in message
            return EndedBy.OUTPUT_TOO_LARGE if is_full and "low on resource" not in message else EndedBy.EVICTED
        disruption = self._disruption()
        return EndedBy.EVICTED if disruption and disruption not in DISRUPTED_BY_A_DEAD_NODE else None

    def _never_began(self) -> JobObservation:
        ended_by = EndedBy(self.wish) if self.wish else self._ended_by("")
        if ended_by is None and self._exit_code(STAGE) in (None, 0):
            return self._seen(State.LOST)
        return self._seen(State.EXITED, ended_by=ended_by or EndedBy.START_FAILED)

    def _waiting(self, algorithm: Mapping[str, Any]) -> JobObservation:
        for state, whose in ((self.containers.get(STAGE, {}), "the portal's"), (algorithm, "its")):
            waiting = state.get("waiting", {})
            if (reason := waiting.get("reason")) in CANNOT_START:
                what = f"the cluster cannot fetch {whose} image" if reason in CANNOT_PULL else reason
                detail = f"{what} ({_first_line(waiting.get('message', ''))})"
                return self._seen(State.EXITED, ended_by=EndedBy.START_FAILED, detail=detail)
        return self._seen(State.STARTING, waiting=self._why_waiting(algorithm))

    def _why_waiting(self, algorithm: Mapping[str, Any]) -> str:
        for condition in self.status.get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                message = condition.get("message", "")
                return next((words for cause, words in WAITS_FOR.items() if cause in message), "Waits for a node.")
        pulling = algorithm.get("waiting", {}).get("reason") == "ErrImagePull"
        return "The algorithm's image could not be fetched yet." if pulling else ""

    def _seen(self, state: State, **facts: Any) -> JobObservation:
        return JobObservation(
            state=state,
            node=self.node,
            network=Network.ARCHIVE_ONLY,
            file_system=FileSystem.CONFINED,
            is_staged=self._exit_code(STAGE) == 0,
            stage_exit_code=self._exit_code(STAGE),
            collect_exit_code=self._exit_code(COLLECT),
            said=self._said(),
            is_over=self.is_over,
            timeout_seconds=self.timeout_seconds,
            pod=self.name,
            has_lost_node=self.has_lost_node,
            **facts,
        )

    def _disruption(self) -> str:
        """Why the cluster took the pod away: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/"""
        for condition in self.status.get("conditions", []):
            if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
                return str(condition.get("reason", "")) or "Unknown"
        return ""

    def _exit_code(self, name: str) -> int | None:
        ended = self.containers.get(name, {}).get("terminated")
        return None if ended is None else int(ended["exitCode"])

    def _said(self) -> str:
        for name in (COLLECT, STAGE):
            if ended := self.containers.get(name, {}).get("terminated"):
                return str(ended.get("message", ""))
        return ""


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _passed(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0][:300]
