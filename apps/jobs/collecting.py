"""From the output folder of a run to its archive: all or nothing, and exactly once however often it is repeated.

What the gate found is written down before anything is stored, so that a repetition stores the same objects again (which
an archive takes as one) and never holds the run's own outputs against it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from apps.archives import services as archives
from apps.archives.intake import read_all
from apps.archives.models import Instance, Series
from apps.archives.results import FailureReason
from apps.jobs import execution, staging
from apps.jobs.claims import Claim
from apps.jobs.gate_child import InputsUnreadable, run_gate, summarise
from apps.jobs.gate_report import Expected, GateReport, Output, Refusal
from apps.jobs.models import Run, RunOutput
from apps.jobs.reasons import Reason, ReasonCode


class NotStored(Exception):
    """The archive does not take the outputs; the message is a sentence for the submitter."""


class ArchiveBusy(Exception):
    """The archive cannot take the outputs now; time mends it."""


def checked(run: Run, claim: Claim, inputs: Sequence[staging.InputFile]) -> GateReport:
    """What the gate finds, or found the first time. Raises ClaimLost and NotStored."""
    if run.gate_report is not None:
        return GateReport.from_json(run.gate_report)
    report = _check(run, inputs)
    claim.write(run, gate_report=report.as_json())
    return report


def refusal(report: GateReport) -> Reason | None:
    """Why the run fails at the gate; None when its outputs may be stored."""
    if report.reason == ReasonCode.NO_OUTPUT:
        others = f" but {len(report.ignored)} other files, which do not count" if report.ignored else ""
        return Reason(report.reason, f"The algorithm ended well and wrote no DICOM{others}.")
    if report.reason:
        first = report.refusals[0]
        return Reason(
            report.reason,
            f"The outputs break {len(report.refusals)} of the archive's rules, so none was stored. "
            f"{first.file}, {first.attribute}: {first.sentence}",
        )
    return None


def store(run: Run, report: GateReport) -> None:
    """Store the outputs and find them again in the index. Twice is once. Raises NotStored and ArchiveBusy."""
    with archives.receiving_folder(run.archive) as folder:
        files = [_copy(run, output, folder / f"{number}.dcm") for number, output in enumerate(report.outputs)]
        # All are read before the first is stored, since what is stored is not taken back.
        _check_results(result for result in read_all(files) if isinstance(result, archives.StoredResult))
        _check_results(archives.store_files(run.archive, files, by=run.submitter))
    expected = {(output.sop_instance_uid, output.sha256) for output in report.outputs}
    found = Instance.objects.filter(archive=run.archive, sop_instance_uid__in=[uid for uid, _ in expected])
    if set(found.values_list("sop_instance_uid", "sha256")) != expected:
        raise NotStored("The archive's index does not have them.")


def record_outputs(run: Run, report: GateReport) -> None:
    """Write the outputs down; call in the transaction that makes the run succeed."""
    RunOutput.objects.bulk_create(
        RunOutput(
            run=run,
            study_instance_uid=output.study_instance_uid,
            series_instance_uid=output.series_instance_uid,
            sop_instance_uid=output.sop_instance_uid,
            sop_class_uid=output.sop_class_uid,
            size_bytes=output.size_bytes,
            sha256=output.sha256,
        )
        for output in report.outputs
    )


def _check(run: Run, inputs: Sequence[staging.InputFile]) -> GateReport:
    directory = execution.input_directory(run)
    try:
        staging.check_unchanged(inputs, directory)
        summary = summarise(directory)
    except staging.InputDamaged as changed:
        return GateReport.refused([Refusal("input folder", "file", str(changed))])
    except InputsUnreadable as unreadable:
        raise NotStored(f"They cannot be compared with the input images: {unreadable}") from unreadable
    expected = Expected(
        sop_class_uids=tuple(run.algorithm.produced_sop_classes),
        max_bytes=execution.limits_of(run.algorithm).output_bytes,
    )
    return _without_taken(run, run_gate(execution.output_directory(run), summary, expected))


def _without_taken(run: Run, report: GateReport) -> GateReport:
    """Refuses UIDs that the archive has already, which the gate's child cannot know."""
    uids = [output.sop_instance_uid for output in report.outputs]
    instances = Instance.objects.filter(archive=run.archive, sop_instance_uid__in=uids)
    taken = set(instances.values_list("sop_instance_uid", flat=True))
    series = Series.objects.filter(
        archive=run.archive, series_instance_uid__in={output.series_instance_uid for output in report.outputs}
    )
    taken |= set(series.values_list("series_instance_uid", flat=True))
    refusals = [
        Refusal(output.path, keyword, f"The {keyword} is that of an object that exists; an output needs a new one.")
        for output in report.outputs
        for keyword, uid in (
            ("SeriesInstanceUID", output.series_instance_uid),
            ("SOPInstanceUID", output.sop_instance_uid),
        )
        if uid in taken
    ]
    return GateReport.refused(refusals, report.ignored) if refusals else report


def _copy(run: Run, output: Output, destination: Path) -> archives.IncomingFile:
    try:
        staging.copy_checked(execution.output_directory(run) / output.path, destination, output.sha256)
    except staging.InputDamaged as changed:
        raise NotStored(f"An output is no longer as it was checked: {changed}") from changed
    return archives.IncomingFile(destination, output.path)


def _check_results(results: Iterable[archives.StoredResult]) -> None:
    for result in results:
        if result.failure_reason is FailureReason.OUT_OF_RESOURCES:
            raise ArchiveBusy(result.sentence)
        if result.is_refused:
            raise NotStored(result.sentence)
