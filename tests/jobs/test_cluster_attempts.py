"""Attempts of a run in a cluster: what a broken one may have stored goes, and none begins without the archive."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.utils import timezone

from apps.archives.models import Archive, RemoteServer
from apps.integrations.kubernetes.port import CONFIG_MAP, JOB, SERVICE
from apps.jobs import services
from apps.jobs.cluster.collect import encode_report
from apps.jobs.cluster.request import Request
from apps.jobs.in_cluster import ARCHIVE_AWAY, REFUSED
from apps.jobs.models import Run
from tests.jobs.in_cluster import *  # noqa: F403
from tests.jobs.in_cluster import DONE, REPORT, RUNS, Kubelet, Status, at_collecting


def test_what_a_broken_attempt_may_have_stored_is_removed_by_the_next(kubelet: Kubelet) -> None:
    at_collecting(kubelet)
    kubelet.say("collect", encode_report(REPORT))
    kubelet.show(DONE, DONE, {"terminated": {"exitCode": 137}}, phase="Failed")
    run = kubelet.advance()
    assert (run.status, run.attempt, run.abandoned, run.gate_report) == (Status.STAGING, 2, ["1.2.9.1"], None)
    (part,) = kubelet.api.objects(CONFIG_MAP, namespace=kubelet.namespace, labels=f"maia.io/run={run.name}")
    assert Request.decode(base64.b64decode(part["binaryData"]["part"])).abandoned == ("1.2.9.1",)


@pytest.mark.parametrize("states", [(RUNS,), (DONE, RUNS), (DONE, DONE, RUNS)], ids=["stage", "algorithm", "collect"])
def test_a_run_whose_node_died_begins_anew(kubelet: Kubelet, states: tuple[Any, ...]) -> None:
    kubelet.advance()
    kubelet.show(*states)
    kubelet.advance()
    kubelet.lose_node()
    assert (kubelet.advance().status, kubelet.run.attempt, kubelet.run.waiting) == (Status.STAGING, 2, "")


def test_a_run_whose_node_died_can_be_cancelled(kubelet: Kubelet) -> None:
    kubelet.advance()
    kubelet.show(DONE, RUNS)
    run = kubelet.advance()
    kubelet.lose_node()
    services.cancel(run, by=run.submitter)
    assert kubelet.advance().status == Status.CANCELLED


@pytest.fixture
def server(archive: Archive) -> RemoteServer:
    Archive.objects.filter(pk=archive.pk).update(kind=Archive.Kind.ORTHANC)
    address = "http://10.96.7.7:8042"
    return RemoteServer.objects.create(archive=archive, address=address, username="portal", password="secret")


@pytest.fixture
def removed(server: RemoteServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """SOPInstanceUIDs that were removed from the project's Orthanc."""
    removed: list[str] = []
    monkeypatch.setattr("apps.jobs.leftovers.archives.remove", lambda _, uids: removed.extend(uids))
    return removed


def test_what_was_stored_before_anybody_looked_goes_with_a_run_that_is_cancelled(
    kubelet: Kubelet, removed: list[str]
) -> None:
    kubelet.advance()
    kubelet.show(DONE, RUNS)
    run = kubelet.advance()
    services.cancel(run, by=run.submitter)
    kubelet.say("collect", encode_report(REPORT))
    kubelet.show(DONE, DONE, DONE, phase="Succeeded")
    assert kubelet.advance().status == Status.CANCELLED
    assert removed == ["1.2.9.1"]


def test_what_a_broken_attempt_may_have_stored_goes_with_a_run_that_is_cancelled(
    kubelet: Kubelet, removed: list[str]
) -> None:
    at_collecting(kubelet)
    kubelet.say("collect", encode_report(REPORT))
    kubelet.show(DONE, DONE, {"terminated": {"exitCode": 137}}, phase="Failed")
    run = kubelet.advance()
    services.cancel(run, by=run.submitter)
    assert kubelet.advance().status == Status.CANCELLED
    assert removed == ["1.2.9.1"]


def test_images_that_are_not_as_they_were_fail_the_run(kubelet: Kubelet) -> None:
    kubelet.advance()
    damaged = {"terminated": {"exitCode": 3, "message": "A file does not have its bytes."}}
    kubelet.show(damaged, phase="Failed")
    assert kubelet.advance().reason == "The images could not be fetched. A file does not have its bytes."
    assert (kubelet.run.reason_code, kubelet.run.attempt) == ("STORE_FAILED", 1)


def test_an_archive_that_fails_is_tried_three_times(kubelet: Kubelet) -> None:
    for attempt in (1, 2, 3):
        assert kubelet.advance().attempt == attempt
        failed = {"terminated": {"exitCode": 4, "message": "The archive cannot be reached."}}
        kubelet.show(failed, phase="Failed")
    assert (kubelet.advance().status, kubelet.run.reason_code) == (Status.FAILED, "STORE_FAILED")


def test_a_run_waits_for_its_archive(kubelet: Kubelet) -> None:
    kubelet.api.delete(SERVICE, "orthanc", kubelet.namespace)
    assert kubelet.advance().waiting == "Waits for the project's archive."
    assert list(kubelet.api.objects(JOB)) == []


def test_no_attempt_begins_while_the_archive_is_away(kubelet: Kubelet, server: RemoteServer) -> None:
    RemoteServer.objects.update(unreachable_since=timezone.now())
    run = kubelet.advance()
    assert (run.status, run.attempt, run.waiting) == (Status.STAGING, 1, ARCHIVE_AWAY)
    assert jobs_of(kubelet) == []
    RemoteServer.objects.update(unreachable_since=None)
    assert kubelet.advance().waiting == ""
    assert jobs_of(kubelet) == [f"run-{run.pk}-1"]


def test_an_attempt_that_began_does_not_wait_for_the_archive(kubelet: Kubelet, server: RemoteServer) -> None:
    kubelet.advance()
    RemoteServer.objects.update(unreachable_since=timezone.now())
    kubelet.show(DONE)
    assert kubelet.advance().status == Status.STARTING


def test_an_earlier_attempt_ends_before_the_next_begins_and_what_it_stored_is_removed(
    kubelet: Kubelet, server: RemoteServer
) -> None:
    lose_while_it_stores(kubelet)
    RemoteServer.objects.update(unreachable_since=timezone.now())
    run = kubelet.advance()
    assert (run.status, run.attempt, run.abandoned) == (Status.STAGING, 2, ["1.2.9.1"])
    assert jobs_of(kubelet) == []
    RemoteServer.objects.update(unreachable_since=None)
    assert kubelet.advance().abandoned == ["1.2.9.1"]
    assert jobs_of(kubelet) == [f"run-{run.pk}-2"]
    (part,) = kubelet.api.objects(CONFIG_MAP, namespace=kubelet.namespace)
    assert Request.decode(base64.b64decode(part["binaryData"]["part"])).abandoned == ("1.2.9.1",)


def test_the_next_attempt_waits_until_the_earlier_can_be_ended(kubelet: Kubelet) -> None:
    lose_while_it_stores(kubelet)
    kubelet.api.denied.add(("delete", "jobs"))
    run = kubelet.advance()
    assert (run.attempt, run.waiting) == (2, REFUSED)
    assert jobs_of(kubelet) == [f"run-{run.pk}-1"]
    kubelet.api.denied.clear()
    kubelet.advance()
    assert jobs_of(kubelet) == [f"run-{run.pk}-2"]


def test_what_an_earlier_attempt_stored_goes_with_a_run_that_is_cancelled(kubelet: Kubelet, removed: list[str]) -> None:
    lose_while_it_stores(kubelet)
    kubelet.api.denied.add(("delete", "jobs"))
    run = kubelet.advance()
    Run.objects.filter(pk=run.pk).update(abandoned=[])
    services.cancel(run, by=run.submitter)
    kubelet.api.denied.clear()
    assert kubelet.advance().status == Status.CANCELLED
    assert (removed, jobs_of(kubelet)) == (["1.2.9.1"], [])


def jobs_of(kubelet: Kubelet) -> list[str]:
    return [job["metadata"]["name"] for job in kubelet.api.objects(JOB)]


def lose_while_it_stores(kubelet: Kubelet) -> None:
    """Its outputs are being stored already when its pod is last seen, as running."""
    kubelet.advance()
    kubelet.show(DONE, RUNS)
    assert kubelet.advance().status == Status.RUNNING
    kubelet.say("collect", encode_report(REPORT))
    kubelet.show(DONE, RUNS, phase="Failed")
