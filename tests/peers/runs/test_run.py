"""The whole path of a run in a real cluster: images from the project's Orthanc, the sample as a Job, its SEG back."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from apps.archives.models import Archive, Instance, Series
from apps.archives.services import IncomingFile, receiving_folder, store_files
from apps.integrations.kubernetes.port import CONFIG_MAP, JOB, POD, KubernetesApi
from apps.jobs import in_cluster, services
from apps.jobs.cluster.orthanc import Orthanc
from apps.jobs.in_cluster import UNREACHABLE
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.driving import drive
from tests.jobs.samples import SAMPLES
from tests.peers.kubernetes import Kubernetes
from tests.peers.kubernetes.cluster import SharedWithOthers
from tests.peers.runs.conftest import PASSWORD
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.django_db(transaction=True)]
Status = Run.Status
HEAD_CT = SAMPLES / "images" / "head-ct.zip"
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
    wait_until(lambda: left_of_runs(api, run.project.namespace) == [], 60)


def test_the_real_head_ct_on_a_gpu(as_bob: Entry, segmentation: Algorithm, archive: Archive, tmp_path: Path) -> None:
    with zipfile.ZipFile(HEAD_CT) as images:
        images.extractall(tmp_path / "head")
    with receiving_folder(archive) as folder:
        files = []
        for number, path in enumerate(path for path in (tmp_path / "head").rglob("*") if path.is_file()):
            shutil.copy(path, folder / f"{number}.dcm")
            files.append(IncomingFile(folder / f"{number}.dcm", path.name))
        assert not [one for one in store_files(archive, files, by=None) if one.is_refused]
    Algorithm.objects.filter(pk=segmentation.pk).update(gpus=1)
    segmentation.refresh_from_db()
    head = Series.objects.select_related("study").get(study__archive=archive, instance_count=len(files))
    run = drive(services.launch(as_bob, segmentation, head, arguments={}), timeout_seconds=200)
    assert run.status == Status.SUCCEEDED, run.reason
    assert run.outputs.get().sop_class_uid == "1.2.840.10008.5.1.4.1.1.66.4"


@pytest.mark.faults
def test_what_a_run_stored_that_fails_nevertheless_is_taken_back(
    as_bob: Entry, segmentation: Algorithm, ct: Series, orthanc_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_cluster, "are_in_index", lambda *_: False)
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}), timeout_seconds=200)
    assert (run.status, run.reason_code) == (Status.FAILED, "STORE_FAILED")
    (output,) = run.gate_report["outputs"]
    assert Orthanc(orthanc_address, "portal", PASSWORD).lookup(output["sop_instance_uid"]) == []
    assert not Instance.objects.filter(sop_instance_uid=output["sop_instance_uid"]).exists()


@pytest.mark.faults
def test_an_api_server_that_is_stopped_meanwhile_costs_the_run_nothing(
    as_bob: Entry, segmentation: Algorithm, ct: Series, kubernetes: Kubernetes
) -> None:
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}), Status.STAGING, Status.STARTING)
    try:
        kubernetes.stop_api()
    except SharedWithOthers as shared:
        pytest.skip(str(shared))
    try:
        services.advance(run)
        run.refresh_from_db()
        assert run.waiting == UNREACHABLE
    finally:
        kubernetes.start_api()
    drive(run, timeout_seconds=200)
    assert (run.status, run.attempt, run.outputs.count()) == (Status.SUCCEEDED, 1, 1)


def left_of_runs(api: KubernetesApi, namespace: str) -> list[str]:
    kinds, labels = (JOB, POD, CONFIG_MAP), "app.kubernetes.io/name=run"
    return [one["metadata"]["name"] for kind in kinds for one in api.objects(kind, namespace=namespace, labels=labels)]
