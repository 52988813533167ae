"""`python -m apps.jobs.cluster.collect`: from the output folder into the project's archive, all or nothing.

What the gate found is said before anything is stored, as one line of the log: what an attempt that breaks half-way has
stored can then be found and removed by the next.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
import signal
from collections.abc import Iterator
from pathlib import Path

from apps.jobs.cluster.containers import ARCHIVE, BROKEN, INPUT, OUTPUT, REQUEST, WRONG, leave
from apps.jobs.cluster.orthanc import ArchiveFailed, ObjectRefused, Orthanc
from apps.jobs.cluster.request import Request
from apps.jobs.gate_child import InputsUnreadable, run_gate, summarise
from apps.jobs.gate_report import GateReport, Output, Refusal

REPORT = b"REPORT "


def encode_report(report: GateReport) -> bytes:
    """One line of a log."""
    return REPORT + base64.b64encode(gzip.compress(json.dumps(report.as_json()).encode(), mtime=0)) + b"\n"


def decode_report(log: bytes) -> GateReport | None:
    """The report in a log, once its line is complete."""
    for line in log.splitlines(keepends=True):
        if line.startswith(REPORT) and line.endswith(b"\n"):
            return GateReport.from_json(json.loads(gzip.decompress(base64.b64decode(line.removeprefix(REPORT)))))
    return None


def check(request: Request, archive: Orthanc, inputs: Path, outputs: Path) -> GateReport:
    """What the gate finds, with UIDs refused that the archive has. Raises InputsUnreadable and ArchiveFailed."""
    report = run_gate(outputs, summarise(inputs), request.expected)
    refusals = list(_taken(report, archive))
    return GateReport.refused(refusals, report.ignored) if refusals else report


def store(report: GateReport, archive: Orthanc, outputs: Path) -> None:
    """All or nothing, found again by a query and with the same bytes. Raises ArchiveFailed and ObjectRefused."""
    try:
        for output in report.outputs:
            archive.store(outputs / output.path)
        for output in report.outputs:
            _check_stored(output, archive)
    except BaseException:
        archive.remove(output.sop_instance_uid for output in report.outputs)
        raise


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: leave(BROKEN, "Stopped while outputs were checked or stored."))
    request = Request.read(REQUEST)
    archive = Orthanc.of_secret(request.archive, ARCHIVE)
    try:
        report = check(request, archive, INPUT, OUTPUT)
        print(encode_report(report).decode(), end="", flush=True)  # noqa: T201
        if report.reason:
            leave(WRONG, report.reason)
        store(report, archive, OUTPUT)
    except (InputsUnreadable, ObjectRefused) as refused:
        leave(WRONG, str(refused))
    except ArchiveFailed as failure:
        leave(BROKEN, str(failure))
    leave(0, f"{len(report.outputs)} stored")


def _taken(report: GateReport, archive: Orthanc) -> Iterator[Refusal]:
    is_taken = functools.cache(lambda uid: bool(archive.lookup(uid)))
    for output in report.outputs:
        for keyword, uid in (
            ("SeriesInstanceUID", output.series_instance_uid),
            ("SOPInstanceUID", output.sop_instance_uid),
        ):
            if is_taken(uid):
                sentence = f"The {keyword} is that of an object that exists; an output needs a new one."
                yield Refusal(output.path, keyword, sentence)


def _check_stored(output: Output, archive: Orthanc) -> None:
    uids = (output.study_instance_uid, output.series_instance_uid, output.sop_instance_uid)
    if not archive.finds(*uids) or archive.sha256(output.sop_instance_uid) != output.sha256:
        raise ArchiveFailed("The archive does not have what was stored in it.")


if __name__ == "__main__":
    main()
