"""People find their uploads again in a list; the files of old ones are forgotten, what became of them in all is not."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.datasets.models import Upload, UploadedFile
from apps.datasets.tasks import forget_files
from apps.datasets.uploads import forgetting
from celery_worker.app import app
from tests.conftest import ClientOf
from tests.datasets.uploads.test_page import fill
from tests.queries import cost_of

Outcome = UploadedFile.Outcome
PAGE = "/projects/cardiac-mr/data/uploads/"


@pytest.fixture
def upload(archive: Archive, bob: User) -> Upload:
    made = Upload.objects.create(archive=archive, by=bob, stored_count=2, present_count=5, refused_count=1)
    fill(made, 2, Outcome.STORED)
    fill(made, 1, Outcome.REFUSED, "This is no DICOM file.")
    return made


def rest(upload: Upload, days: float) -> None:
    Upload.objects.filter(pk=upload.pk).update(last_at=timezone.now() - timedelta(days=days))


def test_one_s_own_are_listed_with_their_counts(upload: Upload, bob: User, alice: User, client_of: ClientOf) -> None:
    page = client_of(bob).get(PAGE).text
    assert f'href="{PAGE}{upload.pk}/"' in page
    for label, count in (("Stored", 2), ("Already there", 5), ("Not taken", 1)):
        assert f'data-label="{label}">{count}<' in page
    assert "Not all taken" in page
    assert "You have not uploaded anything" in client_of(alice).get(PAGE).text
    assert f'href="{PAGE}"' in client_of(bob).get("/projects/cardiac-mr/data/").text


@pytest.mark.parametrize(
    ("fields", "outcome", "word"),
    [
        ({}, Outcome.STORED, "Done"),
        ({}, Outcome.WAITING, "1 file has not come."),
        ({}, Outcome.ARRIVED, "Being checked"),
        ({"ended_at": timezone.now()}, Outcome.WAITING, "The rest was not to come."),
        ({"refused_count": 1}, Outcome.REFUSED, "Not all taken"),
    ],
)
def test_it_says_how_each_stands(
    archive: Archive, bob: User, client_of: ClientOf, fields: dict[str, object], outcome: Outcome, word: str
) -> None:
    fill(Upload.objects.create(archive=archive, by=bob, **fields), 1, outcome)
    assert word in client_of(bob).get(PAGE).text


def test_longer_lists_cost_no_more_queries(upload: Upload, archive: Archive, bob: User, client_of: ClientOf) -> None:
    bobs = client_of(bob)
    before = cost_of(bobs, PAGE)
    for _ in range(10):
        fill(Upload.objects.create(archive=archive, by=bob), 2, Outcome.WAITING)
    assert cost_of(bobs, PAGE) == before


def test_files_of_old_uploads_are_forgotten_and_their_totals_stay(
    upload: Upload,
    archive: Archive,
    bob: User,
    client_of: ClientOf,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.UPLOAD_FILES_KEPT_DAYS = 30
    monkeypatch.setattr(forgetting, "_AT_ONCE", 2)
    young = Upload.objects.create(archive=archive, by=bob)
    fill(young, 3, Outcome.WAITING)
    rest(upload, 29.9)
    rest(young, 8)
    forget_files()
    assert upload.files.count() == 3
    rest(upload, 30.1)
    for _ in range(2):
        forget_files()
        assert (upload.files.count(), young.files.count()) == (0, 3)
    bobs = client_of(bob)
    page = bobs.get(f"{PAGE}{upload.pk}/").text
    assert "2 images stored" in page
    assert "kept for 30 days" in page
    assert "No file came with this upload" not in page
    assert "not-taken.csv" not in page
    assert 'data-label="Stored">2<' in bobs.get(PAGE).text


def test_it_is_rung_for_each_night() -> None:
    bell = app.conf.beat_schedule["datasets.forget_files"]
    assert bell["task"] == forget_files.name
    assert (bell["schedule"].hour, bell["schedule"].minute) == ({2}, {30})
