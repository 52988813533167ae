"""A run in a cluster, on the cluster's twin: what the worker asks for, what it says, when it goes on."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from apps.archives.models import RemoteServer, Series
from apps.archives.services import ArchiveUnreachable
from apps.clusters.models import Cluster
from apps.clusters.services import connect
from apps.integrations.kubernetes.port import CONFIG_MAP, JOB
from apps.jobs import in_cluster, services, tasks, watching
from apps.jobs.cluster.collect import encode_report
from apps.jobs.cluster.request import Request
from apps.jobs.gate_report import GateReport, Refusal
from apps.jobs.in_cluster import REFUSED, UNREACHABLE
from apps.jobs.models import WAITING_LENGTH, Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.in_cluster import *  # noqa: F403
from tests.jobs.in_cluster import DONE, IMAGE, OUTPUT, REPORT, RUNS, Kubelet, Status, at_collecting


def test_the_job_is_told_uids_and_hashes_and_no_patient(kubelet: Kubelet, ct: Series) -> None:
    run = kubelet.advance()
    job = kubelet.api.read(JOB, run.name, kubelet.namespace)
    (part,) = kubelet.api.objects(CONFIG_MAP, namespace=kubelet.namespace)
    assert (run.status, run.cluster, run.image) == (Status.STAGING, Cluster.objects.get(), IMAGE)
    algorithm = job["spec"]["template"]["spec"]["initContainers"][1]
    assert algorithm["image"] == IMAGE
    assert algorithm["args"][2:] == [ct.series_instance_uid, "--threshold=300"]
    request = Request.decode(base64.b64decode(part["binaryData"]["part"]))
    assert request.archive == "http://10.96.7.7:8042"
    assert request.inputs == dict(run.inputs.values_list("sop_instance_uid", "sha256"))
    assert request.expected.sop_class_uids == ("1.2.840.10008.5.1.4.1.1.66.4",)
    said = json.dumps([job, part, asdict(request)])
    assert ct.study.patient.patient_name not in said
    assert ct.study.patient.patient_id not in said


def test_the_way_of_a_run(kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kubelet.advance().status == Status.STAGING
    kubelet.show(RUNS)
    assert kubelet.advance().status == Status.STAGING
    kubelet.show(DONE)
    assert kubelet.advance().status == Status.STARTING
    kubelet.say("algorithm", b"PROGRESS 0.40 resampled\n")
    kubelet.show(DONE, RUNS)
    run = kubelet.advance()
    assert (run.status, run.node, run.progress, run.network) == (Status.RUNNING, "a", 0.4, "archive")
    kubelet.show(DONE, DONE, RUNS)
    assert kubelet.advance().status == Status.COLLECTING
    kubelet.say("collect", encode_report(REPORT))
    kubelet.show(DONE, DONE, RUNS)
    assert GateReport.from_json(kubelet.advance().gate_report) == REPORT
    kubelet.show(DONE, DONE, DONE, phase="Succeeded")
    found = [False, True]
    monkeypatch.setattr(in_cluster, "are_in_index", lambda *_: found.pop(0))
    monkeypatch.setattr(in_cluster.archives, "refresh", lambda _: True)
    run = kubelet.advance()
    assert (run.status, run.outputs.get().sha256) == (Status.SUCCEEDED, OUTPUT.sha256)
    assert run.cleaned_at is not None
    assert services.whole_log(run) == "PROGRESS 0.40 resampled\n"
    assert list(kubelet.api.objects(JOB)) == []


def test_outputs_that_are_refused_fail_the_run(kubelet: Kubelet) -> None:
    at_collecting(kubelet)
    refused = GateReport.refused([Refusal("a.dcm", "PatientID", "The PatientID is not that of the input.")])
    kubelet.say("collect", encode_report(refused))
    run = kubelet.advance()
    assert (run.status, run.reason_code) == (Status.FAILED, "INVALID_OUTPUT")
    assert "a.dcm, PatientID" in run.reason


def test_outputs_that_the_index_does_not_have_fail_the_run(kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> None:
    at_collecting(kubelet)
    kubelet.say("collect", encode_report(REPORT))
    kubelet.show(DONE, DONE, DONE, phase="Succeeded")
    answers = [ArchiveUnreachable("The archive does not answer."), False, True]

    def refresh(_: object) -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(in_cluster.archives, "refresh", refresh)
    assert kubelet.advance().waiting == "The archive does not answer."
    assert kubelet.advance().waiting == "Waits for the archive's index."
    assert (kubelet.advance().status, kubelet.run.reason_code) == (Status.FAILED, "STORE_FAILED")


def test_a_long_sentence_is_cut(kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_cluster, "ARCHIVE_AWAY", "a" * (WAITING_LENGTH + 1))
    monkeypatch.setattr(in_cluster, "outage_of", lambda _: True)
    assert kubelet.advance().waiting == "a" * WAITING_LENGTH


def test_why_a_run_waits_is_on_its_page(kubelet: Kubelet, client_of) -> None:
    kubelet.advance()
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient nvidia.com/gpu"}
    kubelet.show(node="", conditions=[unscheduled])
    run = kubelet.advance()
    page = client_of(run.submitter).get(reverse("jobs:run", args=[kubelet.namespace, run.pk])).content.decode()
    assert "Waits for a free GPU." in page
    assert IMAGE in page
    assert "Waiting" in page
    listed = client_of(run.submitter).get(reverse("jobs:runs", args=[kubelet.namespace])).content.decode()
    assert "Waits for a free GPU." in listed


def test_a_quota_that_is_used_up_is_named(kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.integrations.executors.kubernetes.PATIENCE_SECONDS", -1)
    kubelet.advance()
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": kubelet.namespace},
        "involvedObject": {"kind": "Job", "name": kubelet.run.name},
        "message": 'Error creating: pods "x" is forbidden: exceeded quota: project, requested: ...',
    }
    kubelet.api.put(event)
    assert kubelet.advance().waiting == "Waits for room in the project's quota."


@pytest.mark.parametrize(("gpus", "code", "word"), [(0, "NO_ROOM", "No room"), (1, "NO_GPU", "No GPU")])
def test_the_queue_has_an_end(kubelet: Kubelet, settings, client_of, gpus: int, code: str, word: str) -> None:
    Run.objects.update(gpus=gpus)
    kubelet.run.refresh_from_db()
    kubelet.advance()
    kubelet.show(node="")
    Run.objects.update(status_changed_at=timezone.now() - timedelta(hours=settings.RUN_QUEUE_HOURS, minutes=1))
    kubelet.run.refresh_from_db()
    run = kubelet.advance()
    assert (run.status, run.reason_code) == (Status.FAILED, code)
    assert "no room for the run within 24 hours" in run.reason
    page = client_of(run.submitter).get(reverse("jobs:run", args=[kubelet.namespace, run.pk])).content.decode()
    assert word in page
    assert "Run it again later" in page
    assert "Out of time" not in page


def test_a_cluster_that_does_not_answer_changes_nothing_but_the_sentence(
    kubelet: Kubelet, cluster: Cluster, bells: list[tuple[str, int]]
) -> None:
    kubelet.advance()
    kubelet.show(DONE, RUNS)
    kubelet.advance()
    kubelet.api.is_down = True
    tasks.observe_active()
    tasks.observe_cluster(cluster.pk)
    assert bells == [("jobs.observe_cluster", cluster.pk)]
    assert (kubelet.advance().status, kubelet.run.waiting) == (Status.RUNNING, UNREACHABLE)
    kubelet.api.is_down = False
    tasks.observe_cluster(cluster.pk)
    assert bells[1:] == [("jobs.advance", kubelet.run.pk)]
    assert (kubelet.advance().status, kubelet.run.waiting) == (Status.RUNNING, "")
    assert kubelet.run.step_failures == 0


def test_a_run_that_waits_is_rung_for_when_its_time_is_over(
    kubelet: Kubelet, cluster: Cluster, bells: list[tuple[str, int]]
) -> None:
    kubelet.advance()
    kubelet.show(node="")
    tasks.observe_cluster(cluster.pk)
    assert bells == []
    Run.objects.update(status_changed_at=timezone.now() - timedelta(hours=25))
    tasks.observe_cluster(cluster.pk)
    assert bells == [("jobs.advance", kubelet.run.pk)]


def test_one_look_rings_only_for_news(kubelet: Kubelet, cluster: Cluster, bells: list[tuple[str, int]]) -> None:
    kubelet.advance()
    kubelet.show(RUNS)
    tasks.observe_cluster(cluster.pk)
    assert bells == []
    kubelet.show(DONE, RUNS)
    tasks.observe_cluster(cluster.pk)
    assert bells == [("jobs.advance", kubelet.run.pk)]
    kubelet.advance()
    bells.clear()
    kubelet.say("algorithm", b"PROGRESS 0.70 halfway\n")
    tasks.observe_cluster(cluster.pk)
    kubelet.run.refresh_from_db()
    assert (bells, kubelet.run.progress) == ([], 0.7)


def test_a_log_that_cannot_be_read_keeps_no_run_from_its_end(
    kubelet: Kubelet, cluster: Cluster, bells: list[tuple[str, int]]
) -> None:
    kubelet.advance()
    kubelet.show(DONE, RUNS)
    kubelet.advance()
    kubelet.api.denied.add(("get", "pods/log"))
    tasks.observe_cluster(cluster.pk)
    assert bells == []
    kubelet.show(DONE, DONE, RUNS)
    tasks.observe_cluster(cluster.pk)
    assert bells == [("jobs.advance", kubelet.run.pk)]


def test_credentials_that_cannot_be_opened_are_waited_for_and_break_no_page(
    kubelet: Kubelet,
    cluster: Cluster,
    bells: list[tuple[str, int]],
    client_of,
    settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubelet.advance()
    Cluster.objects.filter(pk=cluster.pk).update(token="secret")
    settings.CREDENTIALS_KEY = "another"
    for room in (in_cluster, watching):
        monkeypatch.setattr(room, "connect", connect)
    tasks.observe_active()
    tasks.observe_cluster(cluster.pk)
    assert bells == [("jobs.observe_cluster", cluster.pk)]
    assert (kubelet.advance().waiting, kubelet.run.step_failures) == (REFUSED, 0)
    address = reverse("jobs:run", args=[kubelet.namespace, kubelet.run.pk])
    assert client_of(kubelet.run.submitter).get(address).status_code == 200


def test_runs_in_a_cluster_take_no_place_on_this_machine(
    kubelet: Kubelet, as_bob: Entry, ct: Series, bells: list[tuple[str, int]], settings
) -> None:
    settings.RUNS_AT_ONCE = 1
    kubelet.advance()
    other = services.launch(as_bob, kubelet.run.algorithm, ct, arguments={})
    Run.objects.filter(pk=other.pk).update(cluster=None)
    tasks.observe_active()
    assert ("jobs.advance", other.pk) in bells


def test_cancelling_deletes_the_job_and_keeps_the_log(kubelet: Kubelet) -> None:
    kubelet.advance()
    kubelet.say("algorithm", b"awake\n")
    kubelet.show(DONE, RUNS)
    run = kubelet.advance()
    services.cancel(run, by=run.submitter)
    assert kubelet.advance().status == Status.CANCELLED
    assert list(kubelet.api.objects(JOB)) == []
    assert services.whole_log(run) == "awake\n"


def test_an_algorithm_without_an_image_is_not_launched(
    as_bob: Entry, segmentation: Algorithm, ct: Series, cluster: Cluster
) -> None:
    with pytest.raises(services.LaunchRefused, match="no image for clusters yet"):
        services.launch(as_bob, segmentation, ct, arguments={})


def test_images_that_a_cluster_does_not_reach_are_not_its_input(kubelet: Kubelet, as_bob: Entry, ct: Series) -> None:
    archive = ct.study.archive
    RemoteServer.objects.create(archive=archive, address="https://pacs.example", is_entered=True)
    with pytest.raises(services.LaunchRefused, match=f"in {archive.name}, which a cluster does not reach"):
        services.launch(as_bob, kubelet.run.algorithm, ct, arguments={})


def test_a_run_gets_the_gpus_of_the_image_not_those_that_the_algorithm_can_do_without(
    segmentation: Algorithm, as_bob: Entry, ct: Series, kubelet: Kubelet
) -> None:
    call_command("algorithm", "image", segmentation.name, IMAGE, "--gpus", "2")
    segmentation.refresh_from_db()
    run = services.launch(as_bob, segmentation, ct, arguments={})
    assert (segmentation.gpus, run.gpus) == (0, 2)
    with pytest.raises(CommandError, match="gets no GPU"):
        call_command("algorithm", "image", segmentation.name, IMAGE, "--gpus", "-1")


def test_an_image_is_named_by_digest(segmentation: Algorithm, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("algorithm", "image", segmentation.name, IMAGE)
    assert capsys.readouterr().out == f"threshold-segmentation 1.0.0 runs in clusters as {IMAGE}\n"
    for name, image in ((segmentation.name, "registry.example/threshold:1"), ("absent", IMAGE)):
        with pytest.raises(CommandError):
            call_command("algorithm", "image", name, image)
    call_command("algorithm", "list")
    assert f"threshold-segmentation 1.0.0 {IMAGE}" in capsys.readouterr().out


def test_a_page_asks_the_cluster_nothing(kubelet: Kubelet, client_of, monkeypatch: pytest.MonkeyPatch) -> None:
    run = kubelet.advance()

    def never(_: Cluster, **__: object) -> None:
        raise AssertionError("a page connected to a cluster")

    for room in (in_cluster, watching):
        monkeypatch.setattr(room, "connect", never)
    client = client_of(run.submitter)
    for name in ("run", "status", "log", "log_file"):
        assert client.get(reverse(f"jobs:{name}", args=[kubelet.namespace, run.pk])).status_code == 200
    assert client.get(f"/api/v1/projects/{kubelet.namespace}/runs/{run.pk}/").json()["image"] == IMAGE
