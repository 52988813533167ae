"""What the pages of runs show, put together from rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from pydicom.uid import UID, SegmentationStorage

from apps.core.badges import Badge
from apps.jobs import selectors
from apps.jobs.arguments import declared, options
from apps.jobs.badges import badge_of
from apps.jobs.models import Algorithm, Run
from apps.jobs.reasons import next_step_of
from apps.jobs.timeline import timeline


@dataclass(frozen=True)
class Row:
    """A run in a list."""

    run: Run
    badge: Badge
    seconds: float


@dataclass(frozen=True)
class OutputSeries:
    """The objects of one series that a run made, and on which series they are looked at."""

    series_instance_uid: str
    description: str
    kinds: str
    count: int
    shown_on: str
    query: str


def rows(runs: Sequence[Run]) -> list[Row]:
    ahead = selectors.runs_ahead(runs)
    return [Row(run, badge_of(run, ahead=ahead.get(run.pk, 0)), _seconds(run)) for run in runs]


def run_context(run: Run) -> dict[str, Any]:
    """Everything on the page of a run that changes while it goes on."""
    ahead = selectors.runs_ahead([run]).get(run.pk, 0)
    now = timezone.now()
    return {
        "run": run,
        "badge": badge_of(run, ahead=ahead),
        "steps": timeline(run, run.events(), now=now, ahead=ahead),
        "seconds": _seconds(run, now=now),
        "next_step": next_step_of(run.reason_code) if run.reason_code else "",
        "refusals": (run.gate_report or {}).get("refusals", []) if run.status == Run.Status.FAILED else [],
        "ignored": (run.gate_report or {}).get("ignored", []) if run.is_final else [],
        "outputs": output_series(run),
        "again_query": again_query(run),
        "percent": None if run.progress is None else round(run.progress * 100),
    }


def output_series(run: Run) -> list[OutputSeries]:
    found: dict[str, list[str]] = {}
    for uid, sop_class_uid in run.outputs.order_by("pk").values_list("series_instance_uid", "sop_class_uid"):
        found.setdefault(uid, []).append(sop_class_uid)
    described = selectors.series_descriptions(run.archive_id, found) if found else {}
    return [_output_series(run, uid, classes, described.get(uid, "")) for uid, classes in found.items()]


def sop_class_name(sop_class_uid: str) -> str:
    """As people call it: "Segmentation", "Comprehensive SR"."""
    return str(UID(sop_class_uid).name).removesuffix(" Storage")


def produced_names(algorithm: Algorithm) -> str:
    return ", ".join(sop_class_name(uid) for uid in algorithm.produced_sop_classes)


def own_machine_command(run: Run) -> str:
    """What repeats the run with podman, once the image is built as docs/algorithms.md says."""
    image = f"localhost/{run.algorithm.name}:{run.algorithm.version}"
    words = ["podman run --rm --network none -v ./in:/in:ro -v ./out:/out", image, "/in /out", run.series_instance_uid]
    return " ".join([*words, *options(run.arguments)])


def argument_pairs(run: Run) -> list[tuple[str, Any]]:
    return [(argument.title, run.arguments.get(argument.name)) for argument in declared(run.algorithm.arguments)]


def has_unfinished(runs: Iterable[Run]) -> bool:
    return any(not run.is_final for run in runs)


def again_query(run: Run) -> str:
    """The query of the launch form, filled in as this run was."""
    values = {"series": run.series_instance_uid, "algorithm": run.algorithm.name, **run.arguments}
    return f"?{urlencode(values)}"


def _output_series(run: Run, uid: str, sop_class_uids: list[str], description: str) -> OutputSeries:
    is_mask = set(sop_class_uids) == {SegmentationStorage}
    return OutputSeries(
        series_instance_uid=uid,
        description=description,
        kinds=", ".join(sorted({sop_class_name(sop_class_uid) for sop_class_uid in sop_class_uids})),
        count=len(sop_class_uids),
        shown_on=run.series_instance_uid if is_mask else uid,
        query=f"?{urlencode({'overlay': uid})}" if is_mask else "",
    )


def _seconds(run: Run, now: datetime | None = None) -> float:
    """From launch to end; until now for one that is under way."""
    end = run.finished_at or now or timezone.now()
    return (end - run.created_at).total_seconds()
