"""Where runs are carried out: the executor in force, what it is told of a run, and the run's folders and log.

Below RUNS_DIR: `run-<id>-<attempt>/in`, `…/out` and the executor's own files beside them while the run lives;
`logs/<id>.txt` for good.
"""

import os
import sys
from pathlib import Path

from django.conf import settings

from apps.integrations.executors.port import LOG_CHUNK_BYTES, Limits, LogChunk, RunSpec, decode_chunk
from apps.integrations.executors.process import ProcessExecutor
from apps.jobs import arguments
from apps.jobs.models import Algorithm, Run


def executor() -> ProcessExecutor:
    return ProcessExecutor(settings.RUNS_DIR)


def input_directory(run: Run) -> Path:
    return Path(settings.RUNS_DIR, run.name, "in")


def output_directory(run: Run) -> Path:
    return Path(settings.RUNS_DIR, run.name, "out")


def limits_of(algorithm: Algorithm) -> Limits:
    return Limits(memory_bytes=algorithm.memory_bytes, timeout_seconds=algorithm.timeout_seconds)


def spec_of(run: Run) -> RunSpec:
    """The present attempt of a run, as the executor is asked to carry it out."""
    return RunSpec(
        name=run.name,
        command=tuple(_command(run)),
        working_directory=settings.SAMPLES_DIR,
        input_directory=input_directory(run),
        output_directory=output_directory(run),
        limits=limits_of(run.algorithm),
    )


def read_log(run: Run, offset: int) -> LogChunk:
    """A piece of the log of the present or last attempt, from byte `offset` on."""
    try:
        with _kept_log(run).open("rb") as file:
            file.seek(offset)
            return decode_chunk(file.read(LOG_CHUNK_BYTES), offset)
    except FileNotFoundError:
        return executor().log(run.name, offset)


def whole_log(run: Run) -> str:
    """The log as far as it is written; its size has a cap."""
    pieces, offset = [], 0
    while (chunk := read_log(run, offset)).text:
        pieces.append(chunk.text)
        offset = chunk.next_offset
    return "".join(pieces)


def keep_log(run: Run) -> None:
    """Keep the log when the executor forgets the run. Twice is once."""
    kept = _kept_log(run)
    if kept.exists():
        return
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = kept.with_name(f"{kept.name}.{os.getpid()}.tmp")
    temporary.write_text(whole_log(run), encoding="utf-8")
    temporary.replace(kept)


def _command(run: Run) -> list[str]:
    program, *rest = run.algorithm.entry
    # The bundled packages are written for the Python and the libraries that the portal itself runs on.
    interpreter = sys.executable if program == "python" else program
    folders = [str(input_directory(run)), str(output_directory(run))]
    return [interpreter, *rest, *folders, run.series_instance_uid, *arguments.options(run.arguments)]


def _kept_log(run: Run) -> Path:
    return Path(settings.RUNS_DIR, "logs", f"{run.pk}.txt")
