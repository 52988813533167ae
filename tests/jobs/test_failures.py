"""Every way in which a run fails: its reason code, a sentence, and nothing in the archive."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from apps.archives.models import Archive, Instance, Series
from apps.archives.results import FailureReason, Outcome, StoredResult
from apps.jobs import collecting, services
from apps.jobs.machine import ThisMachine
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.archives.dicom_files import path_of
from tests.dicom import ct_series
from tests.jobs.conftest import stored
from tests.jobs.driving import drive
from tests.jobs.packages import install, write_package
from tests.waiting import wait_until

Status = Run.Status
EATS_MEMORY = """
import time
eaten = []
while True:
    eaten.append(b"x" * 64 * 1024**2)
    time.sleep(0.05)
"""
COPIES_INPUT = """
import pathlib, shutil, sys
for number, path in enumerate(pathlib.Path(sys.argv[1]).rglob("*.dcm")):
    shutil.copy(path, pathlib.Path(sys.argv[2], f"{number}.dcm"))
"""
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
TAKES_A_UID = """
import pathlib, sys, pydicom
dataset = pydicom.dcmread(next(pathlib.Path(sys.argv[1]).rglob("*.dcm")))
for keyword, value in {uids}.items():
    setattr(dataset, keyword, value)
dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
dataset.save_as(pathlib.Path(sys.argv[2], "image.dcm"))
"""
WRITES_NOTES = """
import pathlib, sys
pathlib.Path(sys.argv[2], "notes.txt").write_text("no DICOM")
"""
GIVES_UP = """
import sys
print("PROGRESS 0.50 half", flush=True)
print("The series has no bone.", file=sys.stderr)
sys.exit(3)
"""
SLEEPS = "import time; print('awake', flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("code", "fields", "reason_code", "sentence"),
    [
        (EATS_MEMORY, {}, "OUT_OF_MEMORY", "more memory than the 1 GiB"),
        ("while True: pass", {"timeout_seconds": 1}, "TIMEOUT", "was stopped"),
        (GIVES_UP, {}, "EXIT_3", "exit code 3. Its last words: “The series has no bone.”"),
        ("raise SystemExit(4)", {}, "EXIT_4", "It said nothing."),
        (WRITES_NOTES, {}, "NO_OUTPUT", "wrote no DICOM but 1 other files"),
        (COPIES_INPUT, {}, "INVALID_OUTPUT", "so none was stored"),
        ("", {"gpus": 1}, "NO_GPU", "needs a GPU"),
        ("", {"entry": ["no-such-program"]}, "IMAGE_PULL", "could not be started"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_a_run_fails_with_a_reason(
    as_bob: Entry, ct: Series, settings, tmp_path: Path, code: str, fields: dict, reason_code: str, sentence: str
):
    algorithm = install(settings, tmp_path / "packages", code, **fields)
    before = Instance.objects.count()
    run = drive(services.launch(as_bob, algorithm, ct, arguments={}))
    assert (run.status, run.reason_code) == (Status.FAILED, reason_code)
    assert sentence in run.reason
    assert Instance.objects.count() == before
    assert not run.outputs.exists()
    assert list(settings.RUNS_DIR.glob("run-*")) == []


def test_the_run_after_a_hostile_one_is_fine(
    as_bob: Entry, segmentation: Algorithm, ct: Series, settings, tmp_path: Path
):
    bundled = settings.SAMPLES_DIR
    hostile = install(settings, tmp_path / "packages", EATS_MEMORY)
    assert drive(services.launch(as_bob, hostile, ct, arguments={})).reason_code == "OUT_OF_MEMORY"
    settings.SAMPLES_DIR = bundled
    services.sync_bundled()
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}))
    assert (run.status, run.outputs.count()) == (Status.SUCCEEDED, 1)


def test_the_refused_attributes_are_named(as_bob: Entry, ct: Series, settings, tmp_path: Path):
    algorithm = install(settings, tmp_path / "packages", COPIES_INPUT)
    run = drive(services.launch(as_bob, algorithm, ct, arguments={}))
    named = {(refusal["file"], refusal["attribute"]) for refusal in run.gate_report["refusals"]}
    assert ("0.dcm", "SOPInstanceUID") in named


@pytest.mark.attacks
@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "SOPInstanceUID"])
def test_uids_of_another_study_are_refused(
    as_bob: Entry, archive: Archive, ct: Series, settings, tmp_path: Path, keyword: str
):
    other = stored(archive, ct_series(tmp_path / "other", seed="other", slices=1))
    taken = {"SeriesInstanceUID": other.series_instance_uid, "SOPInstanceUID": other.instances.get().sop_instance_uid}
    code = TAKES_A_UID.format(
        uids={"SeriesInstanceUID": "1.2.3.4", "SOPInstanceUID": "1.2.3.5", keyword: taken[keyword]}
    )
    algorithm = install(settings, tmp_path / "packages", code, produced_sop_classes=[CT_IMAGE])
    run = drive(services.launch(as_bob, algorithm, ct, arguments={}))
    assert run.reason_code == "INVALID_OUTPUT"
    assert [(one["attribute"], "that exists" in one["sentence"]) for one in run.gate_report["refusals"]] == [
        (keyword, True)
    ]
    assert not Instance.objects.filter(series__study=ct.study).exclude(series=ct).exists()


def test_an_algorithm_that_changed_since_launch_is_not_run(as_bob: Entry, ct: Series, settings, tmp_path: Path):
    algorithm = install(settings, tmp_path / "packages", WRITES_NOTES)
    run = services.launch(as_bob, algorithm, ct, arguments={})
    write_package(tmp_path / "packages", "print('another program')")
    assert drive(run).reason_code == "IMAGE_PULL"


def test_a_damaged_image_is_not_run_on(as_bob: Entry, ct: Series, segmentation: Algorithm):
    run = services.launch(as_bob, segmentation, ct, arguments={})
    path = path_of(ct.instances.select_related("series__study").first())
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    drive(run)
    assert run.reason_code == "STORE_FAILED"
    assert run.attempt == 1


def test_an_image_that_left_the_archive_is_missed(as_bob: Entry, ct: Series, segmentation: Algorithm):
    run = services.launch(as_bob, segmentation, ct, arguments={})
    ct.instances.first().delete()
    assert drive(run).reason_code == "STORE_FAILED"


def test_an_archive_that_refuses_fails_the_run(as_bob: Entry, ct: Series, segmentation: Algorithm, monkeypatch):
    refused = StoredResult("x", Outcome.REFUSED, None, "The study is closed.", FailureReason.PROCESSING_FAILURE)
    monkeypatch.setattr(collecting.archives, "store_files", lambda *_, **__: [refused])
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}))
    assert (run.reason_code, "The study is closed." in run.reason) == ("STORE_FAILED", True)


@pytest.mark.django_db(transaction=True)
def test_an_archive_that_is_busy_is_asked_again(
    as_bob: Entry, ct: Series, segmentation: Algorithm, settings, monkeypatch
):
    settings.CLAIM_SECONDS = 1
    busy = StoredResult("x", Outcome.REFUSED, None, "Busy.", FailureReason.OUT_OF_RESOURCES)
    store_files, answers = collecting.archives.store_files, [busy]
    monkeypatch.setattr(
        collecting.archives,
        "store_files",
        lambda *args, **options: [answers.pop()] if answers else store_files(*args, **options),
    )
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}))
    assert run.status == Status.SUCCEEDED


def test_an_algorithm_that_is_lost_thrice_fails_the_run(as_bob: Entry, ct: Series, settings, tmp_path: Path):
    run = services.launch(as_bob, install(settings, tmp_path / "packages", SLEEPS), ct, arguments={})
    for attempt in (1, 2, 3):
        drive(run, Status.RUNNING)
        assert run.attempt == attempt
        kill_launcher(run, settings.RUNS_DIR)
        wait_until(lambda: ThisMachine().observe(run).state == "lost")
        services.advance(run)
        run.refresh_from_db()
    assert drive(run).reason_code == "LOST"


def test_an_algorithm_that_the_platform_stopped_begins_again(as_bob: Entry, ct: Series, settings, tmp_path: Path):
    run = services.launch(as_bob, install(settings, tmp_path / "packages", SLEEPS), ct, arguments={})
    for attempt in (1, 2, 3):
        drive(run, Status.RUNNING)
        assert (run.attempt, run.name) == (attempt, f"run-{run.pk}-{attempt}")
        assert services.stop_all_processes() == []
        services.advance(run)
        run.refresh_from_db()
    assert drive(run).reason_code == "EVICTED"


@pytest.mark.django_db(transaction=True)
def test_a_step_that_breaks_again_and_again_ends_the_run(
    as_bob: Entry, ct: Series, segmentation: Algorithm, settings, monkeypatch
):
    settings.CLAIM_SECONDS = 1
    monkeypatch.setattr("apps.jobs.setbacks.STEP_FAILURES", 2)
    run = services.launch(as_bob, segmentation, ct, arguments={})

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("apps.jobs.staging.stage", disk_full)
    drive(run, Status.FAILED)
    assert run.reason_code == "STORE_FAILED"
    assert "No space" not in run.reason


def kill_launcher(run: Run, folder: Path) -> None:
    started = json.loads((folder / run.name / "started.json").read_text())
    os.kill(started["pid"], signal.SIGKILL)
