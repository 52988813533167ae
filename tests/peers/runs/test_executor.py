"""The executor's contract, and what only a cluster has, in a real one. Ours in the Job do nothing here."""

from __future__ import annotations

import pytest

from apps.integrations.executors.job import RUN_LABEL, JobSpec
from apps.integrations.executors.kubernetes import KubernetesExecutor
from apps.integrations.executors.port import Limits
from apps.integrations.kubernetes.port import POD, KubernetesApi
from tests.integrations.runs import MIB
from tests.integrations.test_executor_contract import *  # noqa: F403
from tests.integrations.test_executor_contract import Side

pytestmark = [pytest.mark.peers, pytest.mark.contract]
NOTHING = ("python3", "-c", "pass")


def job_spec(namespace: str, image: str, program: str, *, name: str = "run-1-1", **limits: float) -> JobSpec:
    allowed = {"memory_bytes": 256 * MIB, "timeout_seconds": 60} | limits
    return JobSpec(
        name=name,
        namespace=namespace,
        image=image.replace("programs@", "absent@") if program == "missing" else image,
        arguments=("1.2.3", f"--program={program}"),
        limits=Limits(**allowed),
        own_image=image,
        stage_command=NOTHING,
        collect_command=NOTHING,
    )


@pytest.fixture
def executor(api: KubernetesApi, empty_namespace: str) -> KubernetesExecutor:
    return KubernetesExecutor(api, empty_namespace)


@pytest.fixture
def side(executor: KubernetesExecutor, api: KubernetesApi, namespace: str, programs_image: str) -> Side:
    def start(program: str, *, name: str = "run-1-1", **limits: float) -> None:
        executor.start(job_spec(namespace, programs_image, program, name=name, **limits))

    def lose(name: str) -> None:
        (pod,) = api.objects(POD, namespace=namespace, labels=f"{RUN_LABEL}={name}")
        api.delete(POD, pod["metadata"]["name"], namespace, grace_seconds=0)

    return Side(executor, start, lose, patience_seconds=100, is_memory_measured=False)
