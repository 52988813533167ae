"""The folders of a run on this machine, below RUNS_DIR: `run-<id>-<attempt>/in` and `…/out`."""

from pathlib import Path

from django.conf import settings

from apps.jobs.models import Run


def input_directory(run: Run) -> Path:
    return Path(settings.RUNS_DIR, run.name, "in")


def output_directory(run: Run) -> Path:
    return Path(settings.RUNS_DIR, run.name, "out")
