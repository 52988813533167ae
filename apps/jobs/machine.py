"""Runs on the portal's own machine: the worker fetches the images and stores the outputs, a process does the rest."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from apps.archives import services as archives
from apps.archives.models import Instance
from apps.integrations.executors.port import LogChunk, Observation, RunSpec, State
from apps.integrations.executors.process import ProcessExecutor
from apps.jobs import arguments, catalogue, collecting, staging
from apps.jobs.folders import input_directory, output_directory
from apps.jobs.gate_report import Expected, GateReport
from apps.jobs.models import Run
from apps.jobs.place import NotYet, RunBroke, RunFails, limits_of
from apps.jobs.reasons import Reason, ReasonCode

START_SECONDS = 180
"""A process that has not begun by then never will."""


class ThisMachine:
    """See `Place`."""

    @property
    def executor(self) -> ProcessExecutor:
        return ProcessExecutor(settings.RUNS_DIR)

    def stage(self, run: Run) -> None:
        directory = input_directory(run)
        directory.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            staging.stage(_input_files(run), directory)
        except staging.InputDamaged as damaged:
            raise RunFails(Reason(ReasonCode.STORE_FAILED, f"The images could not be fetched. {damaged}")) from damaged

    def start(self, run: Run) -> Observation:
        seen = self.executor.observe(run.name)
        if seen.state is State.ABSENT:
            _check_can_start(run)
            output_directory(run).mkdir(mode=0o700, exist_ok=True)
            self.executor.start(_spec_of(run))
            seen = self.executor.observe(run.name)
        if seen.started_at is not None:
            return seen
        if timezone.now() - run.status_changed_at > timedelta(seconds=START_SECONDS):
            raise RunBroke(Reason(ReasonCode.LOST, "The algorithm could not be started."))
        raise NotYet

    def observe(self, run: Run) -> Observation:
        return self.executor.observe(run.name)

    def check(self, run: Run) -> GateReport:
        limits = limits_of(run)
        expected = Expected(tuple(run.algorithm.produced_sop_classes), max_bytes=limits.output_bytes)
        try:
            return collecting.check(run, _input_files(run), expected)
        except (staging.InputDamaged, collecting.NotStored) as failure:
            raise _not_stored(failure) from failure

    def store(self, run: Run, report: GateReport) -> None:
        try:
            collecting.store(run, report)
        except collecting.NotStored as failure:
            raise _not_stored(failure) from failure

    def stop(self, run: Run) -> None:
        self.executor.stop(run.name)
        if self.executor.observe(run.name).is_active:
            raise NotYet

    def log(self, name: str, offset: int) -> LogChunk:
        return self.executor.log(name, offset)

    def clean(self, run: Run) -> None:
        for attempt in range(1, run.attempt + 1):
            name = run.attempt_name(attempt)
            for part in settings.RUNS_DIR.glob(f"{name}/*/"):
                staging.remove(part)
            self.executor.remove(name)


def _spec_of(run: Run) -> RunSpec:
    program, *rest = run.algorithm.entry
    # The bundled packages are written for the Python and the libraries that the portal itself runs on.
    interpreter = sys.executable if program == "python" else program
    folders = [str(input_directory(run)), str(output_directory(run))]
    options = arguments.options(run.arguments)
    return RunSpec(
        name=run.name,
        command=(interpreter, *rest, *folders, run.series_instance_uid, *options),
        working_directory=settings.SAMPLES_DIR,
        input_directory=input_directory(run),
        output_directory=output_directory(run),
        limits=limits_of(run),
    )


def _check_can_start(run: Run) -> None:
    algorithm = run.algorithm
    if run.gpus:
        sentence = f"The algorithm needs a GPU ({run.gpus}), and this machine lends none."
        raise RunFails(Reason(ReasonCode.NO_GPU, sentence))
    folder = settings.SAMPLES_DIR / algorithm.name
    if not folder.is_dir() or catalogue.digest_of(folder) != algorithm.digest:
        sentence = f"Version {algorithm.version} of the algorithm, as it was at launch, is no longer on this machine."
        raise RunFails(Reason(ReasonCode.IMAGE_PULL, sentence))


def _input_files(run: Run) -> list[staging.InputFile]:
    """Raises InputDamaged when the archive no longer has an input."""
    hashes = dict(run.inputs.values_list("sop_instance_uid", "sha256"))
    instances = (
        Instance.objects.filter(archive_id=run.archive_id, series__series_instance_uid=run.series_instance_uid)
        .select_related("archive", "series__study")
        .defer("metadata", "frames")
    )
    files = [
        staging.InputFile(
            source=partial(_file_of, instance),
            target=staging.target_of(run.study_instance_uid, run.series_instance_uid, instance.sop_instance_uid),
            sha256=hashes[instance.sop_instance_uid],
        )
        for instance in instances
        if instance.sop_instance_uid in hashes
    ]
    if len(files) != len(hashes):
        raise staging.InputDamaged("The archive no longer has all images of the series.")
    return files


@contextmanager
def _file_of(instance: Instance) -> Iterator[Path]:
    try:
        with archives.fetch(instance) as path:
            yield path
    except archives.ObjectUnavailable as loss:
        raise staging.InputDamaged(str(loss)) from loss


def _not_stored(failure: Exception) -> RunFails:
    return RunFails(Reason(ReasonCode.STORE_FAILED, f"The outputs could not be stored. {failure}"))
