from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive, Patient, Study
from apps.datasets.uploads.services import import_files
from tests.dicom import WrittenSeries, ct_series
from tests.jobs.samples import run_sample


def sequence(*values: dict[str, Any]) -> dict[str, Any]:
    """In the DICOM JSON model."""
    return {"vr": "SQ", "Value": list(values)}


@pytest.fixture
def ct(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "ct", slices=4, rows=16, columns=16)


@pytest.fixture
def add_study(archive: Archive) -> Callable[..., Study]:
    """Adds rows of studies without objects, "1.2.<number>" of patient "P<number>"."""

    def add(number: int, *, name: str = "", **fields: Any) -> Study:
        patient, _ = Patient.objects.get_or_create(
            archive=archive, patient_id=f"P{number}", defaults={"patient_name": name or f"Doe^Jane{number}"}
        )
        return Study.objects.create(
            archive=archive,
            patient=patient,
            study_instance_uid=f"1.2.{number}",
            **{"study_date": f"2026{number % 12 + 1:02}01", "modalities": "CT", "series_count": 1, **fields},
        )

    return add


@pytest.fixture
def store(archive: Archive, alice: User) -> Callable[..., None]:
    """Stores files in the project's archive; all of them must be taken."""

    def run(*paths: Path) -> None:
        receipt = import_files(archive, paths, by=alice)
        assert receipt.results
        assert not receipt.refused

    return run


@pytest.fixture
def stored_ct(store: Callable[..., None], ct: WrittenSeries) -> WrittenSeries:
    store(*ct.paths)
    return ct


@dataclass(frozen=True)
class Results:
    """A series and what the two bundled algorithms made of it."""

    ct: WrittenSeries
    segmentation: Path
    report: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("made")
    ct = ct_series(folder / "in", slices=4, rows=16, columns=16)
    paths = []
    for name in ("threshold-segmentation", "measurements"):
        (folder / name).mkdir()
        done = run_sample(name, ct.directory, folder / name, ct.series_instance_uid)
        assert done.returncode == 0, done.stderr
        paths += list((folder / name).rglob("*.dcm"))
    segmentation, report = paths
    return Results(ct, segmentation, report)


@pytest.fixture
def stored(store: Callable[..., None], made: Results) -> Results:
    store(*made.ct.paths, made.segmentation, made.report)
    return made
