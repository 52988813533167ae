"""The list of studies: search, filter, order and pages, all in the address."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.archives.models import Archive, Study
from apps.datasets.studies import page as studies_page
from apps.datasets.studies.search import Wanted, studies
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries

ADDRESS = "/projects/cardiac-mr/data/"


def listed(client: Client, query: str = "") -> list[str]:
    response = client.get(f"{ADDRESS}{query}")
    assert response.status_code == HTTPStatus.OK
    return [study.study_instance_uid for study in response.context["page"]]


def test_a_study_stands_in_the_list(client_of: ClientOf, bob: User, stored_ct: WrittenSeries) -> None:
    page = client_of(bob).get(ADDRESS).text
    assert f"{ADDRESS}studies/{stored_ct.study_instance_uid}/" in page
    assert "Phantom, Test" in page
    assert "2 January 2026" in page
    assert "1 study" in page
    assert "4 objects" in page


def test_an_empty_project_says_what_to_do(archive: Archive, client_of: ClientOf, bob: User, vera: User) -> None:
    assert "Drop a folder of DICOM files above" in client_of(bob).get(ADDRESS).text
    viewers_page = client_of(vera).get(ADDRESS).text
    assert "A member of the project can upload" in viewers_page
    assert "data-upload" not in viewers_page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=karlsson", ["1.2.2"]),
        ("?q=Karlsson, Karl", ["1.2.2"]),
        ("?q=P1", ["1.2.1"]),
        ("?q=thorax", ["1.2.1"]),
        ("?q=ACC-7", ["1.2.2"]),
        ("?q=1.2.1", ["1.2.1"]),
        ("?q=nobody", []),
        ("?q=%25", []),
        ("?modality=MR", ["1.2.2"]),
        ("?modality=CT", ["1.2.2", "1.2.1"]),
        ("?modality=CT&q=thorax", ["1.2.1"]),
        ("?modality=XX", ["1.2.2", "1.2.1"]),
        ("?order=date", ["1.2.1", "1.2.2"]),
        ("?order=-size", ["1.2.1", "1.2.2"]),
        ("?order=patient", ["1.2.1", "1.2.2"]),
        ("?order=nonsense", ["1.2.2", "1.2.1"]),
        ("?page=99", ["1.2.2", "1.2.1"]),
        ("?page=x&q=%00", ["1.2.2", "1.2.1"]),
    ],
)
def test_the_address_says_what_is_listed(
    add_study: Callable[..., Study], client_of: ClientOf, vera: User, query: str, found: list[str]
) -> None:
    add_study(1, study_description="Thorax", size_bytes=9)
    add_study(2, name="Karlsson^Karl", modalities="CT\\MR", accession_number="ACC-7")
    assert listed(client_of(vera), query) == found


def test_a_modality_is_not_found_inside_another(
    add_study: Callable[..., Study], client_of: ClientOf, vera: User
) -> None:
    add_study(1, modalities="MR\\RTSTRUCT")
    add_study(2, modalities="PX")
    add_study(3, modalities="P")
    assert listed(client_of(vera), "?modality=P") == ["1.2.3"]


def test_lists_have_pages_that_keep_the_search(
    add_study: Callable[..., Study], client_of: ClientOf, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies_page, "PAGE_LENGTH", 2)
    for number in range(1, 6):
        add_study(number)
    client = client_of(vera)
    pages = [listed(client, f"?q=doe&order=date&page={page}") for page in (1, 2, 3)]
    assert [uid for page in pages for uid in page] == ["1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.5"]
    assert 'href="?q=doe&amp;order=date&amp;page=3"' in client.get(f"{ADDRESS}?q=doe&order=date&page=2").text


def test_nothing_found_offers_the_whole_list(add_study: Callable[..., Study], client_of: ClientOf, vera: User) -> None:
    add_study(1)
    page = client_of(vera).get(f"{ADDRESS}?q=nobody").text
    assert "No study matches" in page
    assert "Show all" in page


def test_ten_more_studies_cost_no_more_queries(
    add_study: Callable[..., Study], client_of: ClientOf, vera: User
) -> None:
    client = client_of(vera)
    add_study(0)
    with CaptureQueriesContext(
        connection,
    ) as few:
        listed(client)
    for number in range(1, 11):
        add_study(number)
    with CaptureQueriesContext(connection) as many:
        listed(client)
    assert len(many) == len(few)


def test_studies_of_other_projects_stay_there(
    stored_ct: WrittenSeries, make_project: Callable[[str], Any], client_of: ClientOf, charlie: User, vera: User
) -> None:
    other = make_project("other")
    selectors_before = listed(client_of(vera))
    assert selectors_before == [stored_ct.study_instance_uid]
    assert client_of(charlie).get(ADDRESS).status_code == HTTPStatus.NOT_FOUND
    assert client_of(vera).get(f"/projects/{other.namespace}/data/").status_code == HTTPStatus.NOT_FOUND


def test_nobody_signed_in_is_sent_to_sign_in(archive: Archive) -> None:
    assert Client().get(ADDRESS).headers["Location"].startswith("/account/login/")


def test_lists_are_not_posted_to(archive: Archive, client_of: ClientOf, bob: User) -> None:
    assert client_of(bob).post(ADDRESS).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_the_list_is_found_by_index(archive: Archive) -> None:
    assert "archives_st" in studies(archive, Wanted()).explain()
