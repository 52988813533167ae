"""Launching: who may, on what, with what; and once."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.urls import reverse

from apps.accounts.models import User
from apps.archives.models import Archive, Series
from apps.jobs import services
from apps.jobs.arguments import ArgumentInvalid
from apps.jobs.models import Algorithm, Run
from apps.jobs.services import LaunchRefused
from apps.projects.access import Entry, enter
from apps.projects.models import Project
from tests.dicom import ct_series
from tests.jobs.conftest import stored
from tests.jobs.packages import install


@pytest.fixture
def address(project: Project, ct: Series) -> str:
    return f"{reverse('jobs:new', args=[project.namespace])}?series={ct.series_instance_uid}"


def form(**fields: object) -> dict[str, object]:
    return {"submission_key": str(uuid.uuid4()), "threshold": "250", **fields}


def test_a_member_launches_from_a_series(client, bob: User, segmentation: Algorithm, ct: Series, address: str):
    client.force_login(bob)
    page = client.get(address).content.decode()
    assert "Threshold segmentation" in page
    assert "Measurements above a threshold" in page
    response = client.post(f"{address}&algorithm=threshold-segmentation", form())
    run = Run.objects.get()
    assert response.headers["Location"] == reverse("jobs:run", args=["cardiac-mr", run.pk])
    assert (run.status, run.submitter, run.arguments) == ("queued", bob, {"threshold": 250})
    frozen = set(ct.instances.values_list("sop_instance_uid", "sha256"))
    assert set(run.inputs.values_list("sop_instance_uid", "sha256")) == frozen
    assert run.algorithm.digest.startswith("sha256:")


def test_pressing_twice_launches_once(client, bob: User, segmentation: Algorithm, address: str):
    client.force_login(bob)
    sent = form()
    answers = [client.post(address, sent).headers["Location"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert Run.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_pressing_twice_at_once_launches_once(as_bob: Entry, segmentation: Algorithm, ct: Series):
    key, barrier = uuid.uuid4(), threading.Barrier(4)

    def press() -> int:
        barrier.wait()
        try:
            return services.launch(as_bob, segmentation, ct, arguments={}, submission_key=key).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(press) for _ in range(4)]
    assert {future.result() for future in futures} == {Run.objects.get().pk}


def test_runs_without_a_key_are_separate(as_bob: Entry, segmentation: Algorithm, ct: Series):
    for _ in range(2):
        services.launch(as_bob, segmentation, ct, arguments={})
    assert Run.objects.count() == 2


def test_a_viewer_is_told_so(client, vera: User, segmentation: Algorithm, address: str):
    client.force_login(vera)
    for response in (client.get(address), client.post(address, form())):
        assert response.status_code == 403
        assert "Viewers can look" in response.content.decode()
    assert not Run.objects.exists()


def test_the_service_itself_refuses_viewers(vera: User, segmentation: Algorithm, ct: Series, project: Project):
    with pytest.raises(PermissionDenied):
        services.launch(enter(vera, project.namespace), segmentation, ct, arguments={})


def test_an_outsider_finds_nothing(client, charlie: User, segmentation: Algorithm, address: str):
    client.force_login(charlie)
    assert client.get(address).status_code == 404
    assert client.post(address, form()).status_code == 404


def test_a_series_of_another_project_is_not_found(client, bob: User, segmentation: Algorithm, ct: Series):
    other = Project.objects.create(
        name="Lung",
        namespace="lung",
        principal_investigator="x",
        starts_on="2026-01-01",
        ends_on="2027-01-01",
        status=Project.Status.READY,
    )
    other.memberships.create(user=bob, role="owner")
    client.force_login(bob)
    address = f"{reverse('jobs:new', args=['lung'])}?series={ct.series_instance_uid}"
    assert client.post(address, form()).status_code == 404


@pytest.mark.parametrize("threshold", ["", "bone", "-2000", "1e9", "nan", "inf"])
def test_an_argument_out_of_range_is_named(client, bob: User, segmentation, address: str, threshold: str):
    client.force_login(bob)
    response = client.post(address, form(threshold=threshold))
    assert response.status_code == 200
    assert "field-error" in response.content.decode()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        {"threshold": "300"},
        {"threshold": None},
        {"threshold": True},
        {"threshold": [300]},
        {"threshold": float("nan")},
        {"threshold": float("inf")},
        {"threshold": 10**400},
        {"threshold": -(10**400)},
        {"--help": 1},
        {"x" * 9999: 1},
    ],
    ids=str,
)
def test_arguments_of_any_kind_are_checked(as_bob: Entry, segmentation: Algorithm, ct: Series, arguments: dict):
    with pytest.raises(ArgumentInvalid):
        services.launch(as_bob, segmentation, ct, arguments=arguments)


def test_a_series_that_the_algorithm_does_not_take_is_refused(
    as_bob: Entry, archive: Archive, settings, tmp_path: Path
):
    algorithm = install(settings, tmp_path / "packages", "")
    mr = stored(archive, ct_series(tmp_path / "mr", modality="MR", seed="mr"))
    with pytest.raises(LaunchRefused, match="Test algorithm takes CT; this series is MR"):
        services.launch(as_bob, algorithm, mr, arguments={})


def test_the_page_says_when_no_algorithm_takes_the_series(
    client, bob: User, archive: Archive, settings, tmp_path: Path
):
    install(settings, tmp_path / "packages", "", modalities=["PT"])
    mr = stored(archive, ct_series(tmp_path / "mr", modality="MR", seed="mr"))
    client.force_login(bob)
    address = f"{reverse('jobs:new', args=['cardiac-mr'])}?series={mr.series_instance_uid}"
    assert "No algorithm takes series of this modality" in client.get(address).content.decode()
    assert client.post(address, form()).status_code == 200
    assert not Run.objects.exists()


def test_more_memory_than_a_run_may_have_is_refused(as_bob: Entry, segmentation: Algorithm, ct: Series, settings):
    settings.RUN_MEMORY_BYTES = 2 * 1024**3
    with pytest.raises(LaunchRefused, match="needs 4 GiB of memory; a run may have 2 GiB here"):
        services.launch(as_bob, segmentation, ct, arguments={})


def test_without_a_series_the_person_is_sent_to_the_images(client, bob: User, project: Project):
    client.force_login(bob)
    assert client.get(reverse("jobs:new", args=["cardiac-mr"])).headers["Location"] == "/projects/cardiac-mr/data/"


def test_an_unknown_algorithm_is_not_found(client, bob: User, segmentation: Algorithm, address: str):
    client.force_login(bob)
    assert client.post(f"{address}&algorithm=mining", form()).status_code == 404
