"""The page of one series: pictures to scroll through, masks over them, reports as text, attributes as a table."""

import html
import io
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pydicom
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from apps.accounts.models import User
from apps.archives.models import Instance, Series
from tests.archives.dicom_files import path_of
from tests.conftest import ClientOf
from tests.datasets.conftest import Results
from tests.dicom import WrittenSeries, ct_series, save

HTML = "<i>evil</i>"


def address(series_instance_uid: str) -> str:
    return f"/projects/cardiac-mr/data/series/{series_instance_uid}/"


def uid_of(modality: str) -> str:
    return Series.objects.get(modality=modality).series_instance_uid


def test_the_viewer_gets_every_frame_in_order(stored_ct: WrittenSeries, client_of: ClientOf, vera: User) -> None:
    stack = client_of(vera).get(address(stored_ct.series_instance_uid)).context["stack"]
    root = (
        f"/projects/cardiac-mr/dicomweb/studies/{stored_ct.study_instance_uid}/series/{stored_ct.series_instance_uid}"
    )
    assert stack["frames"] == [f"{root}/instances/{uid}/frames/1/rendered" for uid in stored_ct.sop_instance_uids]
    assert (stack["window"], stack["pixel_aspect"], stack["start"]) == ([40.0, 400.0], 1.0, 1)
    assert stack["overlays"] == []


def test_a_segmentation_is_a_mask_over_its_source(stored: Results, client_of: ClientOf, vera: User) -> None:
    client = client_of(vera)
    (overlay,) = client.get(address(stored.ct.series_instance_uid)).context["stack"]["overlays"]
    shown = [url for url in overlay["frames"] if url]
    assert overlay["name"].endswith("Bone")
    assert shown
    assert all(client.get(url).headers["Content-Type"] == "image/png" for url in shown)


def test_the_mask_is_a_picture_of_its_own(stored: Results, client_of: ClientOf, vera: User) -> None:
    sop_instance_uid = stored.ct.sop_instance_uids[0]
    response = client_of(vera).get(f"{address(uid_of('SEG'))}overlay/{sop_instance_uid}.png")
    assert "private" in response.headers["Cache-Control"]
    picture = Image.open(io.BytesIO(response.content))
    assert (picture.size, picture.mode) == ((16, 16), "RGBA")
    assert picture.getchannel("A").getextrema() == (0, 255)


def test_an_image_without_a_mask_gets_a_transparent_one(
    stored: Results, store: Callable[..., None], tmp_path: Path, client_of: ClientOf, vera: User
) -> None:
    other = ct_series(tmp_path / "other", slices=1, series_name="other", patient_id="TEST-2")
    store(*other.paths)
    response = client_of(vera).get(f"{address(uid_of('SEG'))}overlay/{other.sop_instance_uids[0]}.png")
    assert response.status_code == HTTPStatus.OK
    assert Image.open(io.BytesIO(response.content)).convert("RGBA").getpixel((0, 0)) == (0, 0, 0, 0)


def test_a_mask_of_what_is_no_segmentation_says_so(stored: Results, client_of: ClientOf, vera: User) -> None:
    uid = stored.ct.series_instance_uid
    response = client_of(vera).get(f"{address(uid)}overlay/{stored.ct.sop_instance_uids[0]}.png")
    assert response.status_code == HTTPStatus.NOT_ACCEPTABLE
    assert "no segmentation" in response.text


@pytest.mark.faults
def test_a_lost_object_is_said(stored: Results, client_of: ClientOf, vera: User) -> None:
    path_of(Instance.objects.select_related("series__study").get(series__modality="SEG")).unlink()
    response = client_of(vera).get(f"{address(uid_of('SEG'))}overlay/{stored.ct.sop_instance_uids[0]}.png")
    assert response.status_code == HTTPStatus.GONE
    assert "lost this object" in response.text


def test_without_a_script_one_picture_has_links_to_its_neighbours(
    stored_ct: WrittenSeries, client_of: ClientOf, vera: User
) -> None:
    client, page = client_of(vera), address(stored_ct.series_instance_uid)
    first = client.get(page).context["plain"]
    assert (first.previous_url, first.next_url, first.mask_url) == ("", f"{page}?frame=2&overlay=none", "")
    last = client.get(f"{page}?frame=4").context["plain"]
    assert (last.previous_url, last.next_url) == (f"{page}?frame=3&overlay=none", "")
    assert stored_ct.sop_instance_uids[3] in last.image_url


@pytest.mark.parametrize(
    ("asked", "number"), [("0", 1), ("-1", 1), ("99", 4), ("x", 1), ("9" * 30, 1), ("²", 1), ("3", 3)]
)
def test_frames_outside_the_stack_are_brought_inside(
    stored_ct: WrittenSeries, client_of: ClientOf, vera: User, asked: str, number: int
) -> None:
    response = client_of(vera).get(address(stored_ct.series_instance_uid), {"frame": asked})
    assert response.context["number"] == number


def test_without_a_script_a_mask_is_turned_off_and_on(stored: Results, client_of: ClientOf, vera: User) -> None:
    client, seg, page = client_of(vera), uid_of("SEG"), address(stored.ct.series_instance_uid)
    on = client.get(f"{page}?frame=2").context["plain"]
    assert f"/{seg}/overlay/{stored.ct.sop_instance_uids[1]}.png" in on.mask_url
    (link,) = on.masks
    assert (link.url, link.is_on) == (f"{page}?frame=2&overlay=none", True)
    off = client.get(link.url).context["plain"]
    assert off.mask_url == ""
    assert off.masks[0].url == f"{page}?frame=2&overlay={seg}"


def test_derived_series_name_their_source(stored: Results, client_of: ClientOf, vera: User) -> None:
    for modality in ("SEG", "SR"):
        page = client_of(vera).get(address(uid_of(modality))).text
        assert f'Made from <a href="{address(stored.ct.series_instance_uid)}">' in page


def test_a_report_is_readable_text(stored: Results, client_of: ClientOf, vera: User) -> None:
    page = client_of(vera).get(address(uid_of("SR"))).text
    assert "data-viewer" not in page
    assert "Volume" in page
    assert "milliliter" in page


def test_attributes_are_listed(stored_ct: WrittenSeries, client_of: ClientOf, vera: User) -> None:
    uid = stored_ct.sop_instance_uids[0]
    page = client_of(vera).get(f"{address(stored_ct.series_instance_uid)}tags/{uid}/").text
    for text in ("(0010,0010)", "Phantom^Test", "Image Position (Patient)", uid):
        assert text in html.unescape(page)


def test_members_may_run_and_viewers_may_not(
    stored_ct: WrittenSeries, client_of: ClientOf, bob: User, vera: User
) -> None:
    run = f"/projects/cardiac-mr/runs/new/?series={stored_ct.series_instance_uid}"
    assert run in client_of(bob).get(address(stored_ct.series_instance_uid)).text
    assert run not in client_of(vera).get(address(stored_ct.series_instance_uid)).text


@pytest.mark.attacks
def test_html_in_dicom_text_stays_text(
    store: Callable[..., None], tmp_path: Path, client_of: ClientOf, vera: User
) -> None:
    dataset = pydicom.dcmread(ct_series(tmp_path / "ct", slices=1).paths[0])
    for keyword in (
        "PatientName",
        "PatientID",
        "StudyDescription",
        "SeriesDescription",
        "AccessionNumber",
        "Manufacturer",
    ):
        setattr(dataset, keyword, HTML)
    dataset.add_new(0x00091001, "LO", HTML)
    store(save(dataset, tmp_path / "html.dcm"))
    series = f"/projects/cardiac-mr/data/series/{dataset.SeriesInstanceUID}/"
    pages = (
        "/projects/cardiac-mr/data/",
        f"/projects/cardiac-mr/data/studies/{dataset.StudyInstanceUID}/",
        series,
        f"{series}tags/{dataset.SOPInstanceUID}/",
    )
    for page in pages:
        text = client_of(vera).get(page).text
        assert "evil" in text
        assert "<i>evil" not in text


def test_longer_series_cost_no_more_queries(
    stored: Results, store: Callable[..., None], tmp_path: Path, client_of: ClientOf, vera: User
) -> None:
    client = client_of(vera)
    longer = ct_series(tmp_path / "longer", slices=14, study_instance_uid=stored.ct.study_instance_uid)
    store(*longer.paths)
    counts = []
    for series in (stored.ct, longer):
        client.get(address(series.series_instance_uid))
        with CaptureQueriesContext(connection) as queries:
            client.get(address(series.series_instance_uid))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_outsiders_find_nothing(stored: Results, client_of: ClientOf, charlie: User) -> None:
    uid, sop_instance_uid = stored.ct.series_instance_uid, stored.ct.sop_instance_uids[0]
    pages = (
        address(uid),
        f"{address(uid)}tags/{sop_instance_uid}/",
        f"{address(uid_of('SEG'))}overlay/{sop_instance_uid}.png",
    )
    for page in pages:
        assert client_of(charlie).get(page).status_code == HTTPStatus.NOT_FOUND


def test_images_of_another_project_are_not_masked_here(
    stored: Results, make_project: Callable[[str], object], client_of: ClientOf, vera: User
) -> None:
    assert Instance.objects.filter(sop_instance_uid="1.2.3").count() == 0
    response = client_of(vera).get(f"{address(uid_of('SEG'))}overlay/1.2.3.png")
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_an_image_without_a_window_says_how_it_is_shown(
    store: Callable[..., None], tmp_path: Path, client_of: ClientOf, vera: User
) -> None:
    dataset = pydicom.dcmread(ct_series(tmp_path / "ct", slices=1).paths[0])
    del dataset.WindowCenter, dataset.WindowWidth
    store(save(dataset, tmp_path / "plain.dcm"))
    stack = client_of(vera).get(address(dataset.SeriesInstanceUID)).context["stack"]
    assert stack["window"][1] > 1000


def test_masks_and_colour_have_no_window(stored: Results, client_of: ClientOf, vera: User) -> None:
    assert client_of(vera).get(address(uid_of("SEG"))).context["stack"]["window"] is None
