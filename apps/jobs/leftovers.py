"""What a Job that was killed while it stored has left in the archive of a run without outputs: all or nothing."""

from apps.archives import services as archives
from apps.archives.models import Archive
from apps.jobs.gate_report import GateReport
from apps.jobs.models import Run
from apps.jobs.place import NotYet


def outputs_of(run: Run) -> list[str]:
    """SOPInstanceUIDs that the present attempt may have stored."""
    return [] if run.gate_report is None else [output["sop_instance_uid"] for output in run.gate_report["outputs"]]


def note_stored(run: Run, report: GateReport) -> None:
    """Writes down what the Job of a run without outputs may have stored, before the Job is deleted with its report."""
    run.abandoned = sorted({*run.abandoned, *(output.sop_instance_uid for output in report.outputs)})
    Run.objects.filter(pk=run.pk).update(abandoned=run.abandoned)


def remove_leftovers(run: Run) -> None:
    """Nothing for a run that succeeded. Twice is once. Raises NotYet while the archive does not answer."""
    uids = [*run.abandoned, *outputs_of(run)]
    if run.status == Run.Status.SUCCEEDED or not uids or run.archive.kind != Archive.Kind.ORTHANC:
        return
    try:
        archives.remove(run.archive, uids)
    except archives.ArchiveUnreachable as failure:
        raise NotYet(str(failure)) from failure
