"""The gate in a child process with limits on memory and time, since outputs are untrusted and may kill who reads them.

`python -m apps.jobs.gate_child summarise <in>` and `… check <out>`: the request as JSON on standard input, the answer
as JSON on standard output, so that nothing of a patient lies in a file or an argument.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apps.archives.static.limits import allow_cpu_seconds, confine
from apps.archives.static.refusals import FileRefused
from apps.jobs.gate import check_outputs
from apps.jobs.gate_report import Expected, GateReport, InputSummary, Refusal
from apps.jobs.gate_rules import summarise_inputs

MEMORY_BYTES = 2 * 1024**3
TIMEOUT_SECONDS = 300
REPOSITORY = Path(__file__).resolve().parents[2]
DIED = "The outputs could not be read within the limits on memory and time; at least one of them must be malformed."


class InputsUnreadable(Exception):
    """The staged inputs could not be summarised; the message says why and holds nothing of the patient."""


def summarise(input_directory: Path, *, timeout_seconds: float = TIMEOUT_SECONDS) -> InputSummary:
    """What outputs will be compared with; to be called when the inputs are staged. Raises `InputsUnreadable`."""
    answer = _ask("summarise", input_directory, {}, timeout_seconds)
    if answer is None or "refused" in answer:
        raise InputsUnreadable(answer["refused"] if answer else "the reader died")
    return InputSummary.from_json(answer)


def run_gate(
    output_directory: Path, inputs: InputSummary, expected: Expected, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> GateReport:
    """`check_outputs` in a limited child; a child that dies or is late makes one refusal of everything."""
    request = {"inputs": inputs.as_json(), "expected": asdict(expected)}
    answer = _ask("check", output_directory, request, timeout_seconds)
    if answer is None:
        return GateReport.refused([Refusal("all files", "file", DIED)])
    return GateReport.from_json(answer)


def _ask(action: str, directory: Path, request: dict[str, Any], timeout_seconds: float) -> dict[str, Any] | None:
    """The child's answer, or None if it died or was late."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", "apps.jobs.gate_child", action, str(directory)],
            cwd=REPOSITORY,
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_seconds,
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    answer: dict[str, Any] = json.loads(child.stdout)
    return answer


def main() -> None:
    """Answer one request."""
    confine(memory_bytes=MEMORY_BYTES, parent_pid=os.getppid())
    allow_cpu_seconds(TIMEOUT_SECONDS)
    action, directory = sys.argv[1], Path(sys.argv[2])
    request = json.load(sys.stdin)
    json.dump(_summary(directory) if action == "summarise" else _report(directory, request), sys.stdout)


def _summary(directory: Path) -> dict[str, Any]:
    try:
        return summarise_inputs(directory).as_json()
    except (FileRefused, ValueError) as unreadable:
        return {"refused": str(unreadable)}


def _report(directory: Path, request: dict[str, Any]) -> dict[str, Any]:
    inputs = InputSummary.from_json(request["inputs"])
    return check_outputs(directory, inputs, Expected(**request["expected"])).as_json()


if __name__ == "__main__":
    main()
