"""The whole path of a run in a real cluster: images from the project's Orthanc, the sample as a Job, its SEG back."""

from __future__ import annotations

import pytest

from apps.archives.models import Instance, Series
from apps.integrations.kubernetes.port import CONFIG_MAP, JOB, POD, KubernetesApi
from apps.jobs import services
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.driving import drive
from tests.waiting import wait_until

# Images are built the first time.
pytestmark = [pytest.mark.peers, pytest.mark.timeout(1200), pytest.mark.django_db(transaction=True)]
Status = Run.Status
WAY = ["staging", "starting", "running", "collecting", "succeeded"]


def test_the_mask_is_in_the_archive_and_in_its_index(
    as_bob: Entry, segmentation: Algorithm, ct: Series, api: KubernetesApi
) -> None:
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}), timeout_seconds=200)
    assert run.status == Status.SUCCEEDED, run.reason
    assert [event.to_status for event in run.events()] == WAY
    output = run.outputs.get()
    instance = Instance.objects.get(sop_instance_uid=output.sop_instance_uid)
    assert (instance.archive_id, instance.sha256) == (ct.study.archive_id, output.sha256)
    assert (run.image, run.node) == (segmentation.image, "node-a")
    assert "PROGRESS 1.00 Done" in services.whole_log(run)
    namespace = run.project.namespace
    wait_until(lambda: not list(api.objects(POD, namespace=namespace, labels="app.kubernetes.io/name=run")), 60)
    assert [
        one
        for kind in (JOB, CONFIG_MAP)
        for one in api.objects(kind, namespace=namespace, labels="app.kubernetes.io/name=run")
    ] == []
