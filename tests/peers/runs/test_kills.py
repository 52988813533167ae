"""A worker killed at any moment of a Job's life: one Job, one set of outputs."""

from __future__ import annotations

import pytest
import requests

from apps.archives.models import Instance, Series
from apps.integrations.executors.kubernetes import KubernetesExecutor
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import JOB, KubernetesApi
from apps.jobs import in_cluster, lifecycle, services
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.driving import is_killed_at
from tests.jobs.test_kills import WAY, after, after_move
from tests.peers.runs.conftest import PASSWORD
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.peers,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
]
MOMENTS = {
    "request given": after(KubernetesClient, "apply"),
    "Job made": after(KubernetesExecutor, "start"),
    "report kept": after(lifecycle, "_report"),
    "index refreshed": after(in_cluster.archives, "refresh"),
    "outputs recorded": after(lifecycle, "record_outputs"),
    "Job deleted": after(KubernetesExecutor, "delete"),
    **{f"moved to {status}": after_move(Run.Status(status)) for status in WAY},
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_leaves_one_job_and_one_set_of_outputs(
    as_bob: Entry, segmentation: Algorithm, ct: Series, orthanc_address: str, api: KubernetesApi, moment: str, settings
) -> None:
    settings.CLAIM_SECONDS = 1
    run = services.launch(as_bob, segmentation, ct, arguments={})
    before = ct.instances.count()
    uids: set[str] = set()

    def look() -> None:
        uids.update(job["metadata"]["uid"] for job in api.objects(JOB, namespace=run.project.namespace))

    def is_killed() -> bool:
        killed = is_killed_at(run, MOMENTS[moment])
        look()
        return killed

    def is_over() -> bool:
        services.advance(run)
        look()
        run.refresh_from_db()
        return run.cleaned_at is not None

    wait_until(is_killed, 100)
    wait_until(is_over, 100)
    assert len(uids) == 1
    assert [event.to_status for event in run.events()] == WAY, run.reason
    assert Instance.objects.filter(series__study=ct.study).count() == before + 1
    stored = requests.get(
        f"{orthanc_address}/dicom-web/studies/{ct.study.study_instance_uid}/instances",
        auth=("portal", PASSWORD),
        timeout=10,
    )
    assert len(stored.json()) == before + 1
    assert (run.outputs.count(), run.attempt) == (1, 1)
