"""Why a pod runs or does not, in plain words: pure functions of what Kubernetes says of it.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from apps.workspaces.models import State

LONGEST_LAST_WORDS = 200
NO_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
SCHEDULING = (
    ("nvidia.com/gpu", "No node has a free GPU now: it starts by itself when one is given back."),
    ("volume", "Its volume is not there yet: the cluster has none of that size to give."),
    ("Insufficient memory", "No node has enough free memory now: it starts by itself when some is given back."),
    ("Insufficient cpu", "No node has enough free CPU cores now: it starts by itself when some are given back."),
)


class Standing(NamedTuple):
    state: State
    sentence: str = ""


def standing_of(pod: Mapping[str, Any] | None, warnings: Iterable[str] = ()) -> Standing:
    """`warnings` are the messages of events about what should make the pod."""
    if pod is None:
        return Standing(State.PENDING, _why_no_pod(" ".join(warnings)))
    if "deletionTimestamp" in pod["metadata"]:
        return Standing(State.PENDING, "It is being stopped.")
    status = pod.get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions", [])}
    if conditions.get("Ready", {}).get("status") == "True":
        return Standing(State.RUNNING)
    if status.get("phase") == "Failed":
        return Standing(State.FAILED, f"Its node ended it ({status.get('reason', 'Error')}); it is started anew.")
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    if not containers:
        return Standing(State.PENDING, _why_unscheduled(conditions.get("PodScheduled", {}).get("message", "")))
    return next(filter(None, map(_why_not_ready, containers)), Standing(State.PENDING, "It gets ready."))


def _why_no_pod(warnings: str) -> str:
    if "exceeded quota" in warnings:
        found = re.search(r"limited: ([^\s]+)", warnings)
        which = f" ({found.group(1).rstrip(',')})" if found else ""
        return f"The project's quota is used up{which}: something else has to end first."
    if "PodSecurity" in warnings or "forbidden" in warnings:
        return "The cluster's rules do not allow this pod: an administrator has to look."
    return "Kubernetes is about to make it."


def _why_unscheduled(message: str) -> str:
    for word, sentence in SCHEDULING:
        if word in message:
            return sentence
    if message:
        return "No node of the cluster fits what it asks for now."
    return "It waits for a node."


def _why_not_ready(container: Mapping[str, Any]) -> Standing | None:
    waiting = container.get("state", {}).get("waiting", {})
    last = container.get("lastState", {}).get("terminated") or container.get("state", {}).get("terminated")
    reason = waiting.get("reason", "")
    if reason in NO_IMAGE:
        return Standing(State.FAILED, "Its image cannot be fetched from the registry: an administrator has to look.")
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        return Standing(State.FAILED, "Its container cannot be started: an administrator has to look.")
    if last:
        return Standing(State.FAILED, _how_it_ended(last, int(container.get("restartCount", 0))))
    if reason in ("ContainerCreating", "PodInitializing"):
        return Standing(State.PENDING, "Its image is being fetched and its volume attached.")
    return None


def _how_it_ended(last: Mapping[str, Any], restarts: int) -> str:
    why = "more memory used than it may" if last.get("reason") == "OOMKilled" else f"exit code {last.get('exitCode')}"
    words = _last_words(str(last.get("message", "")))
    times = "once" if restarts <= 1 else f"{restarts} times"
    return f"It ended {times}, the last time with {why}{words}. It is started again by itself."


def _last_words(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    printable = "".join(letter for letter in lines[-1] if letter.isprintable()) if lines else ""
    return f"; its last words: {printable[:LONGEST_LAST_WORDS]}" if printable else ""
