"""The page of one study: its series as pictures, what was made from one beside it."""

import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.archives.models import Series
from apps.audit.models import Entry
from tests.conftest import ClientOf
from tests.datasets.conftest import Results
from tests.dicom import WrittenSeries, ct_series


def address(series: WrittenSeries) -> str:
    return f"/projects/cardiac-mr/data/studies/{series.study_instance_uid}/"


def test_derived_series_stand_behind_their_source(
    stored: Results, store: Callable[..., None], tmp_path: Path, client_of: ClientOf, vera: User
) -> None:
    later = ct_series(
        tmp_path / "later", slices=1, study_instance_uid=stored.ct.study_instance_uid, series_name="later"
    )
    store(*later.paths)
    groups = client_of(vera).get(address(stored.ct)).context["groups"]
    shown = {group.source.series_instance_uid: [it.modality for it in group.derived] for group in groups}
    assert {uid: sorted(kinds) for uid, kinds in shown.items()} == {
        stored.ct.series_instance_uid: ["SEG", "SR"],
        later.series_instance_uid: [],
    }


def test_series_have_thumbnails_and_reports_do_not(stored: Results, client_of: ClientOf, vera: User) -> None:
    page = client_of(vera).get(address(stored.ct)).text
    pictures = re.findall(r'<img src="[^"]*series/([0-9.]+)/thumbnail" alt="" loading="lazy">', page)
    with_images = Series.objects.filter(modality__in=["CT", "SEG"]).values_list("series_instance_uid", flat=True)
    assert sorted(pictures) == sorted(with_images)
    assert page.count('<a class="thumb') == 3


def test_facts_of_patient_and_study(stored_ct: WrittenSeries, client_of: ClientOf, vera: User) -> None:
    page = client_of(vera).get(address(stored_ct)).text
    for fact in ("Phantom, Test", "TEST-1", "2 January 2026, 10:11", "Phantom study", stored_ct.study_instance_uid):
        assert fact in page


def test_looking_is_audited_once_an_hour(stored_ct: WrittenSeries, client_of: ClientOf, vera: User) -> None:
    for _ in range(3):
        client_of(vera).get(address(stored_ct))
    assert [entry.actor_pk for entry in Entry.objects.filter(action="images.viewed")] == [vera.pk]


def test_more_series_cost_no_more_queries(
    stored: Results, store: Callable[..., None], tmp_path: Path, client_of: ClientOf, vera: User
) -> None:
    client = client_of(vera)
    client.get(address(stored.ct))
    with CaptureQueriesContext(connection) as few:
        client.get(address(stored.ct))
    for number in range(5):
        more = ct_series(
            tmp_path / str(number), slices=1, study_instance_uid=stored.ct.study_instance_uid, series_name=str(number)
        )
        store(*more.paths)
    with CaptureQueriesContext(connection) as many:
        client.get(address(stored.ct))
    assert len(many) == len(few)


@pytest.mark.parametrize("study_instance_uid", ["1.2.3", "x", "%00", "1" * 300])
def test_what_is_not_there_is_not_found(
    stored_ct: WrittenSeries, client_of: ClientOf, vera: User, study_instance_uid: str
) -> None:
    response = client_of(vera).get(f"/projects/cardiac-mr/data/studies/{study_instance_uid}/")
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_outsiders_find_nothing(stored_ct: WrittenSeries, client_of: ClientOf, charlie: User) -> None:
    assert client_of(charlie).get(address(stored_ct)).status_code == HTTPStatus.NOT_FOUND
