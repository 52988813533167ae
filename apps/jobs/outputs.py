"""What became of a run's outputs: refused, recorded, found in the archive's index."""

from apps.archives.models import Instance
from apps.jobs.gate_report import GateReport
from apps.jobs.models import Run, RunOutput
from apps.jobs.reasons import Reason, ReasonCode


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


def are_in_index(run: Run, report: GateReport) -> bool:
    """Whether the archive's index has exactly these objects."""
    expected = {(output.sop_instance_uid, output.sha256) for output in report.outputs}
    found = Instance.objects.filter(archive=run.archive, sop_instance_uid__in=[uid for uid, _ in expected])
    return set(found.values_list("sop_instance_uid", "sha256")) == expected


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
