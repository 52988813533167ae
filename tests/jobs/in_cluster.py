"""What tests of runs in a cluster share: a run on the cluster's twin, and what the cluster would do with it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.archives.models import Series
from apps.clusters.models import Cluster
from apps.clusters.services import place
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import JOB, POD
from apps.jobs import in_cluster, services, watcher, watching
from apps.jobs.gate_report import GateReport, Output
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from apps.projects.models import Project

Status = Run.Status
IMAGE = f"registry.example/threshold@sha256:{'a' * 64}"
STARTED, ENDED = "2126-11-21T12:00:00Z", "2126-11-21T12:01:00Z"
DONE = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": STARTED, "finishedAt": ENDED}}
RUNS = {"running": {"startedAt": STARTED}}
OUTPUT = Output("seg.dcm", "1.2", "1.2.9", "1.2.9.1", "1.2.840.10008.5.1.4.1.1.66.4", 10, "c" * 64)
REPORT = GateReport((OUTPUT,), (), ())


class Kubelet:
    """Does what a cluster would do with the Job of a run, told step by step."""

    def __init__(self, api: MemoryKubernetes, run: Run) -> None:
        self.api, self.run, self.namespace = api, run, run.project.namespace

    @property
    def pod(self) -> str:
        return f"{self.run.name}-pod"

    def show(
        self, stage: Any = None, algorithm: Any = None, collect: Any = None, *, node: str = "a", **status: Any
    ) -> None:
        job = self.api.read(JOB, self.run.name, self.namespace)
        assert job
        states = {"stage": stage, "algorithm": algorithm, "collect": collect}
        shown = [{"name": name, "state": state or {}} for name, state in states.items()]
        template = job["spec"]["template"]
        self.api.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": self.pod, "namespace": self.namespace, **template["metadata"]},
                "spec": {**template["spec"], **({"nodeName": node} if node else {})},
                "status": {"phase": "Pending", "initContainerStatuses": shown, **status},
            }
        )

    def lose_node(self) -> None:
        """As the cluster shows it once it has given the node up: nobody ends the pod, nobody has its log."""
        pod = self.api.read(POD, self.pod, self.namespace)
        assert pod
        pod["metadata"]["deletionTimestamp"] = ENDED
        condition = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
        self.api.put({**pod, "status": {**pod["status"], "conditions": [condition]}})
        self.api.denied.add(("get", "pods/log"))

    def say(self, container: str, text: bytes) -> None:
        self.api.logs[self.namespace, self.pod, container] = text

    def advance(self) -> Run:
        services.advance(self.run)
        self.run.refresh_from_db()
        return self.run


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> MemoryKubernetes:
    twin = MemoryKubernetes()
    for room in (in_cluster, watching, watcher):
        monkeypatch.setattr(room, "connect", lambda _, **__: twin)
    return twin


@pytest.fixture
def cluster(project: Project, api: MemoryKubernetes) -> Cluster:
    cluster = Cluster.objects.create(
        name="main",
        server="https://k8s.example",
        image_prefix="registry.example/maia",
        status=Cluster.Status.REACHABLE,
    )
    place(project, cluster=cluster)
    namespace = project.namespace
    api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    service = {"metadata": {"name": "orthanc", "namespace": namespace}, "spec": {"clusterIP": "10.96.7.7"}}
    api.put({"apiVersion": "v1", "kind": "Service", **service})
    return cluster


@pytest.fixture
def run(as_bob: Entry, segmentation: Algorithm, ct: Series, cluster: Cluster) -> Run:
    return services.launch(as_bob, services.set_image(segmentation.name, IMAGE), ct, arguments={})


@pytest.fixture
def kubelet(api: MemoryKubernetes, run: Run) -> Kubelet:
    return Kubelet(api, run)


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    rung: list[tuple[str, int]] = []
    for room in (watching, watcher):
        monkeypatch.setattr(room, "ring", lambda task, pk: rung.append((task, pk)))
    return rung


def at_collecting(kubelet: Kubelet) -> None:
    kubelet.advance()
    kubelet.show(DONE, DONE, RUNS)
    assert kubelet.advance().status == Status.COLLECTING
