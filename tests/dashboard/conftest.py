from collections.abc import Callable
from itertools import count

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive, Instance, Patient, Series, Study
from apps.archives.services import ensure_archive
from apps.jobs.models import Algorithm, Run
from apps.jobs.services import sync_bundled
from apps.projects.models import Project
from apps.registrations import services
from apps.registrations.models import Registration
from tests.registrations.conftest import application

NUMBERS = count(1)


@pytest.fixture
def algorithm(db: None) -> Algorithm:
    sync_bundled()
    return Algorithm.objects.get(name="measurements")


@pytest.fixture
def add_series() -> Callable[[Project], Series]:
    """A study of one series of one image, as the index has it."""

    def add(project: Project) -> Series:
        archive, number = ensure_archive(project), next(NUMBERS)
        patient = Patient.objects.create(archive=archive, patient_id=f"P{number}", patient_name="Doe^Jane")
        figures = {"instance_count": 1, "size_bytes": 2_000_000}
        study = Study.objects.create(
            archive=archive, patient=patient, study_instance_uid=f"1.2.{number}", series_count=1, **figures
        )
        series = Series.objects.create(
            archive=archive, study=study, series_instance_uid=f"1.3.{number}", modality="CT", **figures
        )
        _add_image(archive, series, number)
        return series

    return add


def _add_image(archive: Archive, series: Series, number: int) -> None:
    Instance.objects.create(
        archive=archive, series=series, sop_instance_uid=f"1.4.{number}", size_bytes=2_000_000, number_of_frames=1
    )


@pytest.fixture
def add_run(algorithm: Algorithm) -> Callable[[Project, User], Run]:
    def add(project: Project, submitter: User) -> Run:
        return Run.objects.create(
            project=project,
            archive=ensure_archive(project),
            algorithm=algorithm,
            submitter=submitter,
            series_instance_uid="1.3.1",
            input_count=1,
            input_bytes=2_000_000,
            status=Run.Status.QUEUED,
        )

    return add


@pytest.fixture
def ask() -> Callable[[User, str], Registration]:
    """A request by somebody who is signed in."""

    def make(person: User, namespace: str) -> Registration:
        asked = application(namespace=namespace, name=person.name, email=person.email)
        return services.submit(asked, by=person)

    return make
