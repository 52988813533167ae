"""What the API shows of a Job and its pod, as a run's state. The excerpts are of Kubernetes 1.34."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.integrations.executors.job_status import JobObservation, observation_of
from apps.integrations.executors.port import EndedBy, State

STARTED, ENDED = "2026-11-21T12:00:00Z", "2026-11-21T12:01:00Z"
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
UNSCHEDULABLE = "0/1 nodes are available: 1 {}. preemption: 0/1 nodes are available: 1 No preemption victims found."
META = {"metadata": {"name": "run-1-1-x7", "annotations": {"maia.io/timeout-seconds": "60"}}}
WAITS: dict[str, Any] = {"waiting": {"reason": "PodInitializing"}}
RUNS: dict[str, Any] = {"running": {"startedAt": STARTED}}


def ended(exit_code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    fields = {"exitCode": exit_code, "reason": reason, "startedAt": STARTED, "finishedAt": ENDED}
    return {"terminated": {**fields, "message": message} if message else fields}


def job(status: dict[str, Any] | None = None, wish: str = "") -> dict[str, Any]:
    notes = {"maia.io/ended-by": wish} if wish else {}
    return {"metadata": {"name": "run-1-1", "annotations": notes}, "status": status or {}}


def pod(
    stage: Any = WAITS, algorithm: Any = WAITS, collect: Any = WAITS, *, node: str = "node-a", **status: Any
) -> dict[str, Any]:
    init = [{"name": "stage", "state": stage}, {"name": "algorithm", "state": algorithm}]
    own = {"initContainerStatuses": init, "containerStatuses": [{"name": "collect", "state": collect}]}
    return {**META, "spec": {"nodeName": node} if node else {}, "status": {"phase": "Pending", **own, **status}}


def unschedulable(cause: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "message": UNSCHEDULABLE.format(cause)}
    return {**META, "spec": {}, "status": {"phase": "Pending", "conditions": [condition]}}


def disrupted(reason: str) -> dict[str, Any]:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason}
    return pod(DONE, ended(137), phase="Failed", conditions=[condition])


DONE = ended(0, "Completed")


def given_up(*states: Any) -> dict[str, Any]:
    """On a node that died: being deleted for good, since nobody is left to do it."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
    seen = pod(*states, phase="Running", conditions=[condition])
    return {**seen, "metadata": {**seen["metadata"], "deletionTimestamp": ENDED}}


FULL = {"phase": "Failed", "reason": "Evicted", "message": 'Usage of EmptyDir volume "out" exceeds the limit "1Gi".'}
LOW = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."}
LATE = {"phase": "Failed", "reason": "DeadlineExceeded"}
CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "no job": (None, None, {"state": State.ABSENT}),
    "no pod yet": (job(), None, {"state": State.STARTING, "is_over": False}),
    "the pod vanished": (job(FAILED), None, {"state": State.LOST, "is_over": True}),
    "stopped before it had a pod": (job(FAILED, "STOPPED"), None, {"ended_by": EndedBy.STOPPED}),
    "fetching images": (job(), pod(RUNS), {"state": State.STARTING, "is_staged": False}),
    "images fetched": (job(), pod(DONE), {"state": State.STARTING, "is_staged": True}),
    "images not fetched": (
        job(FAILED),
        pod(ended(3, message="A file is another."), phase="Failed"),
        {"state": State.EXITED, "ended_by": EndedBy.START_FAILED, "stage_exit_code": 3, "said": "A file is another."},
    ),
    "running": (job(), pod(DONE, RUNS), {"state": State.RUNNING, "node": "node-a", "is_over": False}),
    "collecting": (job(), pod(DONE, DONE, RUNS), {"state": State.EXITED, "exit_code": 0, "collect_exit_code": None}),
    "collected": (
        job(COMPLETE),
        pod(DONE, DONE, ended(0, "Completed", "1 stored"), phase="Succeeded"),
        {"exit_code": 0, "collect_exit_code": 0, "said": "1 stored", "is_over": True},
    ),
    "its own end": (job(FAILED), pod(DONE, ended(3), phase="Failed"), {"exit_code": 3, "ended_by": None}),
    "memory": (job(FAILED), pod(DONE, ended(137, "OOMKilled"), phase="Failed"), {"ended_by": EndedBy.OUT_OF_MEMORY}),
    "stopped": (job(FAILED, "TIMEOUT"), pod(DONE, ended(143), **LATE), {"ended_by": EndedBy.TIMEOUT}),
    "the pod's own deadline": (job(FAILED), pod(DONE, ended(137), **LATE), {"ended_by": EndedBy.TIMEOUT}),
    "too much output": (job(FAILED), pod(DONE, ended(137), **FULL), {"ended_by": EndedBy.OUTPUT_TOO_LARGE}),
    "a node without room": (job(FAILED), pod(DONE, ended(137), **LOW), {"ended_by": EndedBy.EVICTED}),
    "evicted": (job(FAILED), disrupted("EvictionByEvictionAPI"), {"ended_by": EndedBy.EVICTED}),
    "preempted": (job(FAILED), disrupted("PreemptionByScheduler"), {"ended_by": EndedBy.EVICTED}),
    "a node that died": (job(FAILED), disrupted("DeletionByTaintManager"), {"state": State.LOST}),
    "running on a node that died": (job(), given_up(DONE, RUNS), {"state": State.LOST, "has_lost_node": True}),
    "fetching on a node that died": (job(), given_up(RUNS), {"state": State.LOST, "is_over": True}),
    "collecting on a node that died": (
        job(),
        given_up(DONE, DONE, RUNS),
        {"state": State.EXITED, "is_over": True, "collect_exit_code": None},
    ),
    "a container that nobody found again": (
        job(FAILED),
        pod(DONE, ended(137, "ContainerStatusUnknown"), phase="Failed"),
        {"state": State.LOST},
    ),
    "no such program": (
        job(FAILED),
        pod(DONE, ended(128, "StartError", "exec: not found\nmore"), phase="Failed"),
        {"ended_by": EndedBy.START_FAILED, "detail": "exec: not found", "started_at": None},
    ),
    "an image that is not there": (
        job(),
        pod(DONE, {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}),
        {"ended_by": EndedBy.START_FAILED, "detail": "the cluster cannot fetch its image (Back-off pulling image)"},
    ),
    "an image of the portal that is not there": (
        job(),
        pod({"waiting": {"reason": "InvalidImageName", "message": "no such name"}}),
        {"ended_by": EndedBy.START_FAILED, "detail": "the cluster cannot fetch the portal's image (no such name)"},
    ),
    "a first failure to pull": (
        job(),
        pod(DONE, {"waiting": {"reason": "ErrImagePull"}}),
        {"state": State.STARTING, "waiting": "The algorithm's image could not be fetched yet."},
    ),
    "no GPU": (job(), unschedulable("Insufficient nvidia.com/gpu"), {"waiting": "Waits for a free GPU."}),
    "no room": (job(), unschedulable("Insufficient memory"), {"waiting": "Waits for a node with enough free memory."}),
    "no node": (job(), unschedulable("node(s) had untolerated taint(s)"), {"waiting": "Waits for a node."}),
    "another GPU": (
        job(),
        unschedulable("node(s) didn't match Pod's node affinity/selector"),
        {"waiting": "Waits for a node with the GPU that the algorithm names."},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_as_the_api_shows_it(case: str) -> None:
    of_job, of_pod, expected = CASES[case]
    seen = observation_of(of_job, of_pod)
    assert {name: getattr(seen, name) for name in expected} == expected


def test_only_a_running_algorithm_has_its_time() -> None:
    late = datetime(2026, 11, 21, 12, 1, 1, tzinfo=UTC)
    assert observation_of(job(), pod(DONE, RUNS)).is_overdue(late)
    assert not observation_of(job(), pod(DONE, RUNS)).is_overdue(late.replace(minute=0, second=59))
    assert not observation_of(job(), pod(DONE, DONE, RUNS)).is_overdue(late)
    assert not JobObservation(State.ABSENT).is_overdue(late)
