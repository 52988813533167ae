"""The pages and fragments of runs: what they show, to whom, and at what price."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.archives.models import Series
from apps.jobs import services
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from apps.projects.models import Project
from tests.jobs.driving import drive
from tests.jobs.packages import install
from tests.queries import cost_of
from tests.waiting import wait_until

Status = Run.Status
HOSTILE_LOG = """
print("<script>alert(1)</script>", flush=True)
print("PROGRESS 0.25 <b>a quarter</b>", flush=True)
import time; time.sleep(60)
"""


@pytest.fixture
def run(as_bob: Entry, segmentation: Algorithm, ct: Series) -> Run:
    return services.launch(as_bob, segmentation, ct, arguments={})


def page(client, name: str, *arguments: object, **query: object) -> str:
    response = client.get(reverse(f"jobs:{name}", args=arguments), query)
    assert response.status_code == 200
    return response.content.decode()


def test_the_algorithms_page_tells_what_each_takes_and_makes(client, charlie: User, bundled: None):
    client.force_login(charlie)
    shown = page(client, "algorithms")
    for words in ("Threshold segmentation", "Segmentation", "Comprehensive SR", "4 GiB memory", "15 min", "sha256:"):
        assert words in shown


def test_no_algorithm_is_said_honestly(client, charlie: User):
    client.force_login(charlie)
    assert "No algorithm is installed" in page(client, "algorithms")


def test_an_empty_list_names_the_next_action(client, bob: User, vera: User, project: Project):
    client.force_login(bob)
    assert "Go to the images" in page(client, "runs", "cardiac-mr")
    client.force_login(vera)
    assert "A member of the project can run algorithms" in page(client, "runs", "cardiac-mr")


def test_the_list_is_filtered_by_state(client, bob: User, run: Run):
    client.force_login(bob)
    assert f"Run {run.pk}," in page(client, "runs", "cardiac-mr", state="active")
    assert "No run is in this state." in page(client, "runs", "cardiac-mr", state="failed")
    assert f"Run {run.pk}," in page(client, "runs", "cardiac-mr", state="nonsense")


def test_the_list_polls_while_something_goes_on(client, bob: User, run: Run):
    client.force_login(bob)
    assert 'hx-trigger="every 3s"' in page(client, "runs", "cardiac-mr")
    Run.objects.update(status=Status.FAILED, reason_code="TIMEOUT")
    assert 'hx-trigger="every' not in page(client, "runs", "cardiac-mr")


def test_ten_more_runs_cost_no_more_queries(client, as_bob: Entry, run: Run, segmentation: Algorithm, ct: Series):
    client.force_login(as_bob.user)
    addresses = [
        reverse("jobs:runs", args=["cardiac-mr"]),
        reverse("jobs:runs_of_series", args=["cardiac-mr", ct.series_instance_uid]),
        reverse("jobs_api:runs", args=["cardiac-mr"]),
    ]
    before = [cost_of(client, address) for address in addresses]
    for _ in range(10):
        services.launch(as_bob, segmentation, ct, arguments={})
    assert [cost_of(client, address) for address in addresses] == before


def test_the_list_has_pages(client, as_bob: Entry, run: Run, segmentation: Algorithm, ct: Series):
    for _ in range(25):
        services.launch(as_bob, segmentation, ct, arguments={})
    client.force_login(as_bob.user)
    assert "1–25 of 26" in page(client, "runs", "cardiac-mr", state="active")
    assert "state=active&amp;page=2" in page(client, "runs", "cardiac-mr", state="active")
    assert f"Run {run.pk}," in page(client, "runs", "cardiac-mr", state="active", page=2)


def test_a_queued_run_says_what_is_ahead(client, as_bob: Entry, run: Run, segmentation: Algorithm, ct: Series):
    second = services.launch(as_bob, segmentation, ct, arguments={})
    third = services.launch(as_bob, segmentation, ct, arguments={})
    client.force_login(as_bob.user)
    assert "Starts in a moment." in page(client, "run", "cardiac-mr", run.pk)
    assert "1 run is ahead." in page(client, "run", "cardiac-mr", second.pk)
    assert "2 runs are ahead." in page(client, "status", "cardiac-mr", third.pk)


def test_a_run_that_succeeded_leads_to_its_result(client, bob: User, run: Run):
    drive(run)
    client.force_login(bob)
    shown = page(client, "run", "cardiac-mr", run.pk)
    output = run.outputs.get()
    assert "Open the result" in shown
    assert output.series_instance_uid in shown
    assert "Bone at or above 300 HU" in shown
    assert "podman run --rm --network none" in shown
    assert "--threshold=300" in shown
    assert "hx-trigger" not in page(client, "status", "cardiac-mr", run.pk)
    assert "Run again" in shown
    assert "algorithm=threshold-segmentation&amp;threshold=300" in shown


def test_a_run_that_failed_says_cause_and_next_step(client, bob: User, run: Run):
    Run.objects.update(
        status=Status.FAILED,
        reason_code="INVALID_OUTPUT",
        reason="The outputs break a rule.",
        gate_report={
            "refusals": [{"file": "<i>.dcm", "attribute": "PatientID", "sentence": "Not that of the input."}],
            "ignored": ["notes.txt"],
            "outputs": [],
        },
    )
    client.force_login(bob)
    shown = page(client, "run", "cardiac-mr", run.pk)
    for words in ("Output refused", "The outputs break a rule.", "the list below", "&lt;i&gt;.dcm", "notes.txt"):
        assert words in shown
    assert "Nothing was written to the archive." in shown


def test_what_an_algorithm_says_is_text(client, as_bob: Entry, ct: Series, settings, tmp_path: Path):
    algorithm = install(settings, tmp_path / "packages", HOSTILE_LOG)
    run = drive(services.launch(as_bob, algorithm, ct, arguments={}), Status.RUNNING)

    def says() -> bool:
        services.observe_active()
        run.refresh_from_db()
        return bool(run.progress)

    wait_until(says)
    client.force_login(as_bob.user)
    shown = page(client, "run", "cardiac-mr", run.pk)
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown
    assert "&lt;b&gt;a quarter" in shown
    assert 'value="25"' in shown
    services.cancel(run, by=as_bob.user)
    drive(run)
    log = client.get(reverse("jobs:log_file", args=["cardiac-mr", run.pk]))
    assert (log.headers["Content-Type"], log.headers["X-Content-Type-Options"]) == (
        "text/plain; charset=utf-8",
        "nosniff",
    )
    assert "<script>alert(1)" in log.content.decode()


def test_the_log_goes_on_where_the_page_has_come_to(client, bob: User, run: Run):
    drive(run)
    client.force_login(bob)
    whole = services.whole_log(run)
    first = page(client, "log", "cardiac-mr", run.pk)
    assert whole.splitlines()[0] in first
    assert f"offset={len(whole.encode())}" in first
    assert page(client, "log", "cardiac-mr", run.pk, offset=len(whole.encode()), attempt=1) == ""
    assert "Attempt 1 begins here." in page(client, "log", "cardiac-mr", run.pk, offset=5, attempt=2)
    for offset in ("-1", "x", "9" * 40, "²"):
        assert whole.splitlines()[0] in page(client, "log", "cardiac-mr", run.pk, offset=offset)


def test_runs_of_a_series_as_a_fragment_and_as_a_page(client, bob: User, vera: User, run: Run, ct: Series):
    drive(run)
    made = run.outputs.get().series_instance_uid
    client.force_login(bob)
    address = reverse("jobs:runs_of_series", args=["cardiac-mr", ct.series_instance_uid])
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert f"Run {run.pk}," in fragment
    whole = page(client, "runs_of_series", "cardiac-mr", ct.series_instance_uid)
    assert "<html" in whole
    assert "Run an algorithm" in whole
    assert f"Run {run.pk}," in page(client, "runs_of_series", "cardiac-mr", made)
    client.force_login(vera)
    assert "Run an algorithm" not in page(client, "runs_of_series", "cardiac-mr", ct.series_instance_uid)


def test_a_viewer_looks_and_has_no_buttons(client, vera: User, run: Run):
    client.force_login(vera)
    shown = page(client, "run", "cardiac-mr", run.pk)
    assert "cancel-run" not in shown
    assert "run-again" not in shown


@pytest.mark.parametrize("name", ["run", "status", "log", "log_file"])
def test_outsiders_and_other_projects_find_no_run(client, charlie: User, bob: User, run: Run, name: str):
    client.force_login(charlie)
    assert client.get(reverse(f"jobs:{name}", args=["cardiac-mr", run.pk])).status_code == 404
    client.force_login(bob)
    assert client.get(reverse(f"jobs:{name}", args=["other", run.pk])).status_code == 404
    assert client.get(reverse(f"jobs:{name}", args=["cardiac-mr", run.pk + 1])).status_code == 404
    assert client.post(reverse(f"jobs:{name}", args=["cardiac-mr", run.pk])).status_code == 405


def test_nobody_is_sent_to_sign_in_with_less(client, run: Run):
    assert client.get(reverse("jobs:run", args=["cardiac-mr", run.pk])).status_code == 302
