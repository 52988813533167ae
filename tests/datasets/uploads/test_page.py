"""The page of an upload lists each file with what became of it, as one outcome or all, and its refusals as CSV."""

import csv
import io
from collections.abc import Callable
from http import HTTPStatus

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive, Study
from apps.datasets.models import Upload, UploadedFile
from tests.conftest import ClientOf
from tests.migrating import migrate_on, migrated_back
from tests.queries import cost_of

Outcome = UploadedFile.Outcome


@pytest.fixture
def upload(archive: Archive, bob: User) -> Upload:
    return Upload.objects.create(archive=archive, by=bob, refused_count=2)


@pytest.fixture
def address(upload: Upload) -> str:
    return f"/projects/cardiac-mr/data/uploads/{upload.pk}/"


def fill(upload: Upload, count: int, outcome: Outcome, sentence: str = "", name: str = "ct/{:04}.dcm") -> None:
    start = upload.files.count()
    UploadedFile.objects.bulk_create(
        UploadedFile(
            upload=upload,
            fingerprint=f"{start + number}",
            name=name.format(number),
            size_bytes=1000,
            outcome=outcome,
            sentence=sentence,
        )
        for number in range(count)
    )


def test_every_file_is_listed_with_its_outcome(upload: Upload, address: str, bob: User, client_of: ClientOf) -> None:
    fill(upload, 3, Outcome.STORED)
    fill(upload, 1, Outcome.REFUSED, "This is no DICOM file.", "<i>notes.txt")
    page = client_of(bob).get(address).text
    assert "ct/0002.dcm" in page
    assert "This is no DICOM file." in page
    assert "<i>notes" not in page
    assert ">All 4</a>" in page
    assert ">Not taken 1</a>" in page


def test_one_outcome_is_shown_alone(upload: Upload, address: str, bob: User, client_of: ClientOf) -> None:
    fill(upload, 120, Outcome.STORED)
    fill(upload, 130, Outcome.WAITING, name="late/{:04}.dcm")
    client = client_of(bob)
    page = client.get(f"{address}?show=waiting&page=2").text
    assert "late/0129.dcm" in page
    assert "ct/" not in page
    assert "?show=waiting&amp;page=1" in page
    assert "ct/0000.dcm" in client.get(f"{address}?show=nothing").text
    assert "No file has had this outcome." in client.get(f"{address}?show=present").text


def test_ten_times_the_files_cost_no_more(upload: Upload, address: str, bob: User, client_of: ClientOf) -> None:
    fill(upload, 500, Outcome.STORED)
    client = client_of(bob)
    before = cost_of(client, address)
    fill(upload, 4500, Outcome.STORED)
    assert cost_of(client, address) <= before


def test_of_very_many_studies_the_first_are_listed(
    upload: Upload, address: str, bob: User, client_of: ClientOf, add_study: Callable[..., Study]
) -> None:
    upload.study_instance_uids = [add_study(number).study_instance_uid for number in range(120)]
    upload.save()
    page = client_of(bob).get(address).text
    assert page.count('data-label="Patient"') == 100
    assert "the first 100 of 120" in page


def test_only_who_sends_it_ends_it(
    upload: Upload, address: str, bob: User, vera: User, alice: User, client_of: ClientOf
) -> None:
    fill(upload, 1, Outcome.WAITING)
    assert "The rest is not to come" in client_of(bob).get(address).text
    for person in (alice, vera):
        assert "The rest is not to come" not in client_of(person).get(address).text


def test_refusals_come_as_csv_that_calculates_nothing(
    upload: Upload, address: str, vera: User, charlie: User, client_of: ClientOf
) -> None:
    fill(upload, 2, Outcome.STORED)
    fill(upload, 1, Outcome.REFUSED, "Not a DICOM file.", "=cmd.txt")
    response = client_of(vera).get(f"{address}not-taken.csv")
    assert list(csv.reader(io.StringIO(response.text))) == [["file", "why"], ["'=cmd.txt", "Not a DICOM file."]]
    assert response.headers["Content-Type"].startswith("text/csv")
    assert client_of(charlie).get(f"{address}not-taken.csv").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.django_db(transaction=True)
def test_refusals_of_before_become_files_and_come_back(archive: Archive, bob: User) -> None:
    refusals = [{"name": "notes.txt", "sentence": "This is no DICOM file."}, {"name": "a.txt", "sentence": "Nor this."}]
    with migrated_back([("datasets", "0003_uploaded_files")]) as then:
        then.get_model("datasets", "Upload").objects.create(archive_id=archive.pk, by_id=bob.pk, refusals=refusals)
        migrate_on()
        assert list(UploadedFile.objects.order_by("pk").values("name", "sentence")) == refusals
        assert set(UploadedFile.objects.values_list("outcome", flat=True)) == {Outcome.REFUSED}
    with migrated_back([("datasets", "0003_uploaded_files")]) as then:
        assert then.get_model("datasets", "Upload").objects.get().refusals == refusals
