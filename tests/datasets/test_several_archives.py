"""Pages of images of an archive that is not the project's default one."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive, Patient, Study
from apps.datasets.uploads.services import import_files
from apps.projects.models import Project
from tests.conftest import ClientOf
from tests.datasets.conftest import Results

PAGE = "/projects/cardiac-mr/data/"


@pytest.fixture
def research(project: Project, archive: Archive, alice: User, made: Results) -> Archive:
    """A second archive, with a series and what was made of it."""
    second = Archive.objects.create(project=project, name="research")
    assert not import_files(second, [*made.ct.paths, made.segmentation, made.report], by=alice).refused
    return second


@pytest.fixture
def veras(client_of: ClientOf, vera: User) -> Client:
    return client_of(vera)


def links(page: str) -> set[str]:
    """To other pages of images and to pictures."""
    found = re.findall(r'(?:href|src)="(/projects/cardiac-mr/(?:data|archives|dicomweb)/[^"]*)"', page)
    return {link.replace("&amp;", "&") for link in found}


def test_each_archive_has_its_own_table(
    research: Archive, add_study: Callable[..., Study], veras: Client, made: Results
) -> None:
    add_study(1)
    default = veras.get(PAGE)
    assert [study.study_instance_uid for study in default.context["page"]] == ["1.2.1"]
    assert '<option value="research">research</option>' in default.text
    other = veras.get(f"{PAGE}?archive=research")
    assert [study.study_instance_uid for study in other.context["page"]] == [made.ct.study_instance_uid]
    assert "Archive research" in other.text


def test_from_an_empty_archive_the_way_leads_on(project: Project, archive: Archive, veras: Client) -> None:
    Archive.objects.create(project=project, name="research")
    page = veras.get(f"{PAGE}?archive=research").text
    assert "This archive has no images that the portal knows of." in page
    assert f'<option value="{archive.name}">' in page


def test_from_its_table_every_link_stays_in_the_archive(
    research: Archive, client_of: ClientOf, alice: User, made: Results
) -> None:
    alices, seen = client_of(alice), set()
    series = f"{PAGE}series/{made.ct.series_instance_uid}/"
    tags = f"{series}tags/{made.ct.sop_instance_uids[0]}/"
    for address in (PAGE, f"{PAGE}studies/{made.ct.study_instance_uid}/", series, tags):
        response = alices.get(f"{address}?archive=research")
        assert response.status_code == HTTPStatus.OK
        seen |= links(response.text)
    lost = {link for link in seen if "archive=research" not in link and "/archives/research/" not in link}
    assert lost <= {PAGE}  # the navigation
    assert any("/archives/research/dicomweb/" in link and "thumbnail" in link for link in seen)


def test_its_pictures_and_masks_are_served(research: Archive, veras: Client, made: Results) -> None:
    page = veras.get(f"{PAGE}series/{made.ct.series_instance_uid}/?archive=research")
    stack = page.context["stack"]
    (overlay,) = stack["overlays"]
    mask = next(url for url in overlay["frames"] if url)
    assert "archive=research" in mask
    for address in (stack["frames"][0], mask, page.context["plain"].image_url):
        assert veras.get(address).headers["Content-Type"].startswith("image/")


def test_a_uid_is_found_wherever_it_is_in_the_default_archive_first(
    research: Archive, archive: Archive, alice: User, veras: Client, made: Results
) -> None:
    address = f"{PAGE}series/{made.ct.series_instance_uid}/"
    assert veras.get(address).context["series"].archive == research
    import_files(archive, made.ct.paths, by=alice)
    assert veras.get(address).context["series"].archive == archive
    assert veras.get(f"{address}?archive=research").context["series"].archive == research


@pytest.mark.parametrize("name", ["nosuch", "%00", "a/b", "../x", "' or 1"])
def test_an_archive_that_there_is_not_is_not_found(research: Archive, veras: Client, made: Results, name: str) -> None:
    for address in (
        PAGE,
        f"{PAGE}studies/{made.ct.study_instance_uid}/",
        f"{PAGE}series/{made.ct.series_instance_uid}/",
    ):
        assert veras.get(f"{address}?archive={name}").status_code == HTTPStatus.NOT_FOUND


def test_what_was_taken_out_is_not_found(research: Archive, veras: Client, made: Results) -> None:
    Archive.objects.filter(pk=research.pk).update(removed_at=timezone.now())
    for address in (f"{PAGE}?archive=research", f"{PAGE}studies/{made.ct.study_instance_uid}/"):
        assert veras.get(address).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.attacks
def test_an_archive_of_another_project_cannot_be_named(
    archive: Archive, make_project: Callable[[str], Any], veras: Client
) -> None:
    other = Archive.objects.create(project=make_project("other"), name="theirs")
    patient = Patient.objects.create(archive=other, patient_id="P")
    Study.objects.create(archive=other, patient=patient, study_instance_uid="1.2.9")
    for address in (f"{PAGE}?archive=theirs", f"{PAGE}studies/1.2.9/", f"{PAGE}studies/1.2.9/?archive=theirs"):
        assert veras.get(address).status_code == HTTPStatus.NOT_FOUND


def test_the_chosen_studies_are_those_of_the_archive(
    research: Archive, add_study: Callable[..., Study], client_of: ClientOf, alice: User, made: Results
) -> None:
    add_study(1)
    answer = client_of(alice).post(
        f"{PAGE}selected/", {"action": "list", "scope": "matching", "query": "archive=research"}
    )
    _, *rows = answer.getvalue().decode().splitlines()
    assert [row.rsplit(",", 1)[1] for row in rows] == [made.ct.study_instance_uid]


def test_uploads_are_for_the_default_archive(research: Archive, client_of: ClientOf, bob: User) -> None:
    assert "data-upload" in client_of(bob).get(PAGE).text
    assert "data-upload" not in client_of(bob).get(f"{PAGE}?archive=research").text


def test_with_one_archive_none_is_asked_for(archive: Archive, add_study: Callable[..., Study], veras: Client) -> None:
    add_study(1)
    page = veras.get(PAGE)
    assert [field.name for field in page.context["filter"].hidden_fields()] == ["archive"]
    assert veras.get(f"{PAGE}?archive={archive.name}").context["filter"].complaints() == []
