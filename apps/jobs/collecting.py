"""From the output folder of a run on this machine to its archive: all or nothing, and once however often repeated."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from apps.archives import services as archives
from apps.archives.models import Instance, Series
from apps.jobs import staging
from apps.jobs.folders import input_directory, output_directory
from apps.jobs.gate_child import InputsUnreadable, run_gate, summarise
from apps.jobs.gate_report import Expected, GateReport, Output, Refusal
from apps.jobs.models import Run
from apps.jobs.outputs import are_in_index


class NotStored(Exception):
    """The archive does not take the outputs; the message is a sentence for the submitter."""


class ArchiveBusy(Exception):
    """The archive cannot take the outputs now; time mends it."""


def check(run: Run, inputs: Sequence[staging.InputFile], expected: Expected) -> GateReport:
    """What the gate finds in the output folder. Raises NotStored."""
    directory = input_directory(run)
    try:
        staging.check_unchanged(inputs, directory)
        summary = summarise(directory)
    except staging.InputDamaged as changed:
        return GateReport.refused([Refusal("input folder", "file", str(changed))])
    except InputsUnreadable as unreadable:
        raise NotStored(f"They cannot be compared with the input images: {unreadable}") from unreadable
    return _without_taken(run, run_gate(output_directory(run), summary, expected))


def store(run: Run, report: GateReport) -> None:
    """Store the outputs and find them again in the index. Twice is once. Raises NotStored and ArchiveBusy."""
    with archives.receiving_folder(run.archive) as folder:
        files = [_copy(run, output, folder / f"{number}.dcm") for number, output in enumerate(report.outputs)]
        # All are read before the first is stored, since what is stored is not taken back.
        _check_results(archives.check_files(files))
        _check_results(archives.store_files(run.archive, files, by=run.submitter))
    if not are_in_index(run, report):
        raise NotStored("The archive's index does not have them.")


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
        staging.copy_checked(output_directory(run) / output.path, destination, output.sha256)
    except staging.InputDamaged as changed:
        raise NotStored(f"An output is no longer as it was checked: {changed}") from changed
    return archives.IncomingFile(destination, output.path)


def _check_results(results: Iterable[archives.StoredResult]) -> None:
    for result in results:
        if result.failure_reason is archives.FailureReason.OUT_OF_RESOURCES:
            raise ArchiveBusy(result.sentence)
        if result.is_refused:
            raise NotStored(result.sentence)
