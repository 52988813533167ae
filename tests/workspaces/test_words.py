"""Why a pod does not run, from what real clusters say of it."""

from typing import Any

import pytest

from apps.workspaces.models import State
from apps.workspaces.words import Standing, standing_of

PULLING = "Its image cannot be fetched from the registry: an administrator has to look."


def pod(phase: str = "Pending", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "workspace-1-0"}, "status": {"phase": phase, **status}}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return pod("Running", containerStatuses=[{"name": "workspace", "state": state, **more}])


def unscheduled(message: str) -> dict[str, Any]:
    return pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}])


CRASHED = {"exitCode": 1, "reason": "Error", "message": "Traceback\n  disk\x1b[31m is full\n\n"}


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (pod("Running", conditions=[{"type": "Ready", "status": "True"}]), State.RUNNING, ""),
        (pod(), State.PENDING, "It waits for a node."),
        (unscheduled("0/1 nodes are available: 1 Insufficient nvidia.com/gpu."), State.PENDING, "a free GPU"),
        (unscheduled("0/1 nodes are available: 1 Insufficient memory."), State.PENDING, "enough free memory"),
        (unscheduled("0/1 nodes are available: 1 Insufficient cpu."), State.PENDING, "enough free CPU"),
        (
            unscheduled("0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."),
            State.PENDING,
            "volume is not there yet",
        ),
        (unscheduled("0/3 nodes are available: 3 node(s) had untolerated taint."), State.PENDING, "No node"),
        (container({"waiting": {"reason": "ContainerCreating"}}), State.PENDING, "being fetched"),
        (container({"waiting": {"reason": "ErrImagePull"}}), State.FAILED, PULLING),
        (container({"waiting": {"reason": "ImagePullBackOff"}}), State.FAILED, PULLING),
        (container({"waiting": {"reason": "CreateContainerConfigError"}}), State.FAILED, "cannot be started"),
        (
            container({"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": CRASHED}, restartCount=4),
            State.FAILED,
            "It ended 4 times, the last time with exit code 1; its last words: disk[31m is full. It is started again",
        ),
        (
            container({"running": {}}, lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            State.FAILED,
            "more memory used than it may",
        ),
        (container({"running": {}}), State.PENDING, "It gets ready."),
        (pod("Failed", reason="Evicted"), State.FAILED, "Evicted"),
        ({**pod("Running"), "metadata": {"deletionTimestamp": "now"}}, State.PENDING, "being stopped"),
    ],
)
def test_standing(seen: dict[str, Any], state: State, words: str) -> None:
    standing = standing_of(seen)
    assert standing.state == state
    assert words in standing.sentence


@pytest.mark.parametrize(
    ("warning", "words"),
    [
        (
            'pods "workspace-1-0" is forbidden: exceeded quota: project, requested: limits.memory=4Gi, '
            "used: limits.memory=6Gi, limited: limits.memory=8Gi",
            "quota is used up (limits.memory=8Gi)",
        ),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', "rules do not allow"),
        ("", "about to make it"),
    ],
)
def test_no_pod(warning: str, words: str) -> None:
    assert words in standing_of(None, [warning] if warning else []).sentence


@pytest.mark.attacks
def test_last_words_are_short_and_plain() -> None:
    shouted = {"exitCode": 1, "message": "x" * 5000}
    standing = standing_of(container({"waiting": {}}, lastState={"terminated": shouted}))
    assert len(standing.sentence) < 400


def test_a_pod_of_which_little_is_known() -> None:
    assert standing_of({"metadata": {}}) == Standing(State.PENDING, "It waits for a node.")
