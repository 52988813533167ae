"""The output gate: what an algorithm wrote reaches the archive only if every object of it holds every rule.

`check_outputs` is pure and runs in a limited child process (`gate_child.py`), since what it reads is untrusted; nothing
here imports Django. The rules themselves are in `gate_rules.py`. Sentences hold no value of a patient's.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.archives.static.dataset import open_part10
from apps.archives.static.identity import Identity, identity_of
from apps.archives.static.refusals import FileRefused
from apps.jobs.gate_report import MAX_REFUSALS, Expected, GateReport, InputSummary, Output, Refusal
from apps.jobs.gate_rules import broken_rules

_SHOWN_NAME_CHARACTERS = 80


@dataclass(frozen=True)
class Found:
    """Files of an output directory: candidates to be DICOM, refusals of what is no plain file, names of the rest."""

    candidates: tuple[Path, ...]
    refusals: tuple[Refusal, ...]
    ignored: tuple[str, ...]


def check_outputs(output_directory: Path, inputs: InputSummary, expected: Expected) -> GateReport:
    """Check all that lies in `output_directory`; the outputs in the order of their paths if no rule is broken."""
    found = find_outputs(output_directory, expected)
    if found.refusals:
        return GateReport.refused(found.refusals, found.ignored)
    identities: dict[Path, Identity] = {}
    refusals: list[Refusal] = []
    for path in found.candidates:
        try:
            with open_part10(str(path)) as part10:
                identities[path] = identity_of(part10)
        except FileRefused as refused:
            refusals.append(Refusal(shown(path, output_directory), "file", refused.sentence))
    refusals += _repeated(identities, output_directory)
    siblings = {identity.sop_instance_uid: identity for identity in identities.values()}
    for path in identities:
        name = shown(path, output_directory)
        broken = broken_rules(path, inputs, expected, siblings)
        refusals += [Refusal(name, attribute, sentence) for attribute, sentence in broken]
    if refusals:
        return GateReport.refused(refusals, found.ignored)
    outputs = tuple(_output(path, output_directory, identity) for path, identity in identities.items())
    return GateReport(outputs, (), found.ignored)


def find_outputs(output_directory: Path, expected: Expected) -> Found:
    """Sort what lies in the directory, links never followed; what is named .dcm or begins as Part 10 must be DICOM."""
    candidates, refusals, ignored = [], [], []
    total_bytes = 0
    for path in _entries(output_directory):
        status = path.lstat()
        name = shown(path, output_directory)
        if not stat.S_ISREG(status.st_mode):
            refusals.append(Refusal(name, "file", "This is a link or a special file; only plain files are taken."))
        elif status.st_nlink > 1:
            refusals.append(
                Refusal(name, "file", "This file has a second name (a hard link); only plain files are taken.")
            )
        elif path.suffix.lower() != ".dcm" and not _begins_as_part10(path):
            ignored.append(name)
        elif not _is_text(str(path)):
            refusals.append(Refusal(name, "file", "The file's name is not in UTF-8, so that no record could name it."))
        else:
            candidates.append(path)
            total_bytes += status.st_size
        if len(candidates) > expected.max_files or len(refusals) + len(ignored) > expected.max_files:
            refusals.append(Refusal(name, "file", f"The run wrote more than {expected.max_files} files."))
            break
    if total_bytes > expected.max_bytes:
        refusals.append(Refusal("all files", "file", f"The run wrote more than {expected.max_bytes} bytes of DICOM."))
    return Found(tuple(candidates), tuple(refusals), tuple(ignored[:MAX_REFUSALS]))


def shown(path: Path, directory: Path) -> str:
    """A file's name as a page or log may show it: relative, one line, short; algorithms choose names freely."""
    name = str(path.relative_to(directory)).encode("unicode_escape", "backslashreplace").decode()
    return name if len(name) <= _SHOWN_NAME_CHARACTERS else f"{name[: _SHOWN_NAME_CHARACTERS - 1]}…"


def _entries(directory: Path) -> Iterator[Path]:
    """Everything below the directory but plain folders, sorted folder by folder."""
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))
        else:
            yield Path(entry.path)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _begins_as_part10(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _repeated(identities: Mapping[Path, Identity], directory: Path) -> Sequence[Refusal]:
    counts = Counter(identity.sop_instance_uid for identity in identities.values())
    return [
        Refusal(
            shown(path, directory),
            "SOPInstanceUID",
            "The SOPInstanceUID is that of another output; each needs its own.",
        )
        for path, identity in identities.items()
        if counts[identity.sop_instance_uid] > 1
    ]


def _output(path: Path, directory: Path, identity: Identity) -> Output:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Output(
        path=str(path.relative_to(directory)),
        study_instance_uid=identity.study_instance_uid,
        series_instance_uid=identity.series_instance_uid,
        sop_instance_uid=identity.sop_instance_uid,
        sop_class_uid=identity.sop_class_uid,
        size_bytes=path.stat().st_size,
        sha256=digest,
    )
