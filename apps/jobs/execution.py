"""Where a run is carried out, and its log: while it lives as its place has it, for good as `RUNS_DIR/logs/<id>.txt`."""

import os
from pathlib import Path

from django.conf import settings

from apps.integrations.executors.port import LOG_CHUNK_BYTES, LogChunk, decode_chunk
from apps.jobs.in_cluster import InCluster
from apps.jobs.machine import ThisMachine
from apps.jobs.models import Run
from apps.jobs.place import Place
from apps.jobs.progress import latest_progress, unfinished_bytes


def place_of(run: Run) -> Place:
    return ThisMachine() if run.cluster_id is None else InCluster(run.cluster_id, run.project.namespace)


def read_log(run: Run, offset: int) -> LogChunk:
    """A piece of the log of the present or last attempt, from byte `offset` on."""
    try:
        with _kept_log(run).open("rb") as file:
            file.seek(offset)
            return decode_chunk(file.read(LOG_CHUNK_BYTES), offset)
    except FileNotFoundError:
        return place_of(run).log(run.name, offset)


def whole_log(run: Run) -> str:
    """The log as far as it is written; its size has a cap."""
    pieces, offset = [], 0
    while (chunk := read_log(run, offset)).text:
        pieces.append(chunk.text)
        offset = chunk.next_offset
    return "".join(pieces)


def keep_log(run: Run) -> None:
    """Keep the log when the run's place forgets it. Twice is once."""
    kept = _kept_log(run)
    if kept.exists():
        return
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = kept.with_name(f"{kept.name}.{os.getpid()}.tmp")
    temporary.write_text(whole_log(run), encoding="utf-8")
    temporary.replace(kept)


def forget_log(run: Run) -> None:
    _kept_log(run).unlink(missing_ok=True)


def note_progress(run: Run) -> None:
    """Reads on in the log. Two at once do no harm: both write what the log says."""
    offset, lines = run.log_offset, []
    while (chunk := read_log(run, offset)).text:
        next_offset = chunk.next_offset - unfinished_bytes(chunk.text)
        if next_offset == offset:
            break
        offset = next_offset
        lines += chunk.text.split("\n")[:-1]
    if offset == run.log_offset:
        return
    fields: dict[str, object] = {"log_offset": offset}
    if said := latest_progress(lines):
        fields |= {"progress": said.fraction, "progress_text": said.text}
    Run.objects.filter(pk=run.pk, attempt=run.attempt).update(**fields)


def _kept_log(run: Run) -> Path:
    return Path(settings.RUNS_DIR, "logs", f"{run.pk}.txt")
