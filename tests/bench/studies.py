"""The studies table of a project with 20,000 studies of 100,000 series: time and queries of one request.

On SQLite, or on the server of TEST_DATABASE_URL, whose database must be empty.
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from datetime import UTC, datetime, timedelta

from django.core.management import call_command
from django.db import connection

from apps.accounts.models import User
from apps.archives.models import Archive, Patient, Series, Study
from apps.datasets.studies.search import FIELDS
from tests.bench.pages import make_project, measure, signed_in

PATIENTS, STUDIES, SERIES_OF_A_STUDY = 8_000, 20_000, 5
FAMILIES = ("Karlsson", "Nguyen", "Okafor", "Silva", "Yamada", "Lindqvist", "Novak", "Haddad")
DESCRIPTIONS = ("CT Thorax", "MR Brain with contrast", "CT Abdomen", "MR Heart", "PET/CT whole body", "")
MODALITIES = ("CT", "MR", "CT\\SEG", "MR\\RTSTRUCT", "CT\\PT", "CT\\SEG\\SR")
PATH = "/projects/bench-0/data/"


def main() -> None:
    call_command("migrate", verbosity=0)
    owner = User.objects.create_user("owner@bench.example", name="Owner")
    for number in range(2):
        fill(Archive.objects.get(project=make_project(number, owner)), root=f"1.2.{number}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(
        f"bench studies on {connection.vendor}: {Study.objects.count() // 2} studies and "
        f"{Series.objects.count() // 2} series in each of two projects"
    )
    client = signed_in(owner)
    for name, query in QUERIES:
        measure(client, f"studies, {name}", f"{PATH}?{query}")


QUERIES = (
    ("all", ""),
    ("the last page", "page=400"),
    ("found by name", "q=Karlsson"),
    ("found by name and description", "q=karlsson+thorax"),
    ("found by accession number", "q=A19999"),
    ("found by UID", "q=1.2.0.7777"),
    ("found in vain", "q=nothing+fits"),
    ("of a month", "since=2024-03-01&until=2024-03-31"),
    ("of a modality", "modality=PT"),
    ("changing now", "state=changing"),
    ("stored", "state=stored"),
    ("of all filters", "q=Silva&since=2020-01-01&modality=SEG&state=stored&order=-size"),
    *((f"by {field}", f"order={field}") for field in FIELDS),
    *((f"by {field}, reversed", f"order=-{field}") for field in FIELDS),
)


def fill(archive: Archive, *, root: str) -> None:
    """With rows as large as real ones, of objects that there are not."""
    patients = Patient.objects.bulk_create((_patient(archive, number) for number in range(PATIENTS)), batch_size=1000)
    studies = Study.objects.bulk_create(
        (_study(archive, patients[number % PATIENTS], number, root) for number in range(STUDIES)), batch_size=500
    )
    for first in range(0, STUDIES, 1000):
        Series.objects.bulk_create(
            (_series(study, number) for study in studies[first : first + 1000] for number in range(SERIES_OF_A_STUDY)),
            batch_size=500,
        )


def _patient(archive: Archive, number: int) -> Patient:
    name = f"{FAMILIES[number % len(FAMILIES)]}^Person{number}"
    return Patient(archive=archive, patient_id=f"P{number:06}", patient_name=name)


def _study(archive: Archive, patient: Patient, number: int, root: str) -> Study:
    taken_at = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(hours=number * 5 % 87_600)
    return Study(
        archive=archive,
        patient=patient,
        study_instance_uid=f"{root}.{number}",
        study_date=f"{taken_at:%Y%m%d}",
        study_time=f"{taken_at:%H%M%S}",
        study_id=str(number),
        accession_number=f"A{number:05}",
        study_description=DESCRIPTIONS[number % len(DESCRIPTIONS)],
        modalities=MODALITIES[number // 7 % len(MODALITIES)],
        series_count=SERIES_OF_A_STUDY,
        instance_count=100 + number % 700,
        size_bytes=(100 + number % 700) * 525_000,
        attributes=_attributes(number),
        created_at=taken_at,
        updated_at=taken_at,
    )


def _series(study: Study, number: int) -> Series:
    return Series(
        archive_id=study.archive_id,
        study=study,
        series_instance_uid=f"{study.study_instance_uid}.{number}",
        modality=study.modalities.split("\\")[0],
        series_number=number,
        series_description=f"Axial {number}.0",
        instance_count=study.instance_count // SERIES_OF_A_STUDY,
        size_bytes=study.size_bytes // SERIES_OF_A_STUDY,
        attributes=_attributes(number),
    )


def _attributes(number: int) -> dict[str, object]:
    """About 1 kB, as the attributes of a study are."""
    return {
        f"0010{tag:04X}": {"vr": "LO", "Value": [f"value {number} of attribute {tag}"]} for tag in range(0x10, 0x22)
    }


if __name__ == "__main__":
    main()
