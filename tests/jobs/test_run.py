"""A run from launch to the result in the archive, by the real executor and the bundled algorithms."""

from __future__ import annotations

from apps.archives.models import Instance, Series
from apps.audit.models import Entry as AuditEntry
from apps.jobs import services
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.driving import drive

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
Status = Run.Status


def test_a_run_leaves_its_segmentation_beside_the_source(as_bob: Entry, segmentation: Algorithm, ct: Series, settings):
    run = drive(services.launch(as_bob, segmentation, ct, arguments={}))
    assert run.status == Status.SUCCEEDED, run.reason
    output = run.outputs.get()
    instance = Instance.objects.get(sop_instance_uid=output.sop_instance_uid)
    assert (instance.sop_class_uid, instance.sha256) == (SEGMENTATION, output.sha256)
    assert instance.series.study_id == ct.study_id
    assert [event.to_status for event in run.events()] == [
        "staging",
        "starting",
        "running",
        "collecting",
        "succeeded",
    ]
    assert run.node
    assert run.started_at < run.ended_at
    assert (run.progress, run.progress_text) == (1.0, "Done")
    assert "PROGRESS 1.00 Done" in services.whole_log(run)
    assert [path.name for path in settings.RUNS_DIR.glob("run-*")] == []
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "actor_pk"))
    assert ("run.launched", as_bob.user.pk) in actions
