"""The URI service, WADO-URI (PS3.18 9): one instance by one address at the root of the service."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.http.response import HttpResponseBase
from PIL import Image

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives.models import StudyRead
from apps.audit.models import Entry
from tests.archives.dicom_files import image, packaged, save
from tests.archives.dicomweb import Service, body_of, stored
from tests.dicom import WrittenSeries

# Rows 0 to 3, columns 0 to 7: the value says where it is.
GRADIENT = np.arange(32, dtype=np.uint8).reshape(4, 8) * 8


def target(where: str) -> dict[str, str]:
    """The parameters that name an instance, from its place in the service."""
    _, study, _, series, _, instance = where.split("/")
    return {"requestType": "WADO", "studyUID": study, "seriesUID": series, "objectUID": instance}


def first_of(series: WrittenSeries) -> dict[str, str]:
    return {
        "requestType": "WADO",
        "studyUID": series.study_instance_uid,
        "seriesUID": series.series_instance_uid,
        "objectUID": series.sop_instance_uids[0],
    }


def shown(response: HttpResponseBase) -> np.ndarray:
    assert response.status_code == 200, response.content
    return np.asarray(Image.open(io.BytesIO(body_of(response))))


@pytest.fixture
def gradient(service: Service, tmp_path: Path) -> dict[str, str]:
    frames = np.stack([GRADIENT, 255 - GRADIENT])
    return target(stored(service, save(image(frames, PatientID="G"), tmp_path / "gradient.dcm")))


def test_9_4_an_object_comes_bit_exact(service: Service, series: WrittenSeries) -> None:
    response = service.get("", contentType="application/dicom", **first_of(series))
    assert response["Content-Type"] == "application/dicom"
    assert body_of(response) == series.paths[0].read_bytes()
    assert body_of(service.get("", "application/dicom", **first_of(series))) == series.paths[0].read_bytes()


@pytest.mark.parametrize(("syntax", "status"), [("1.2.840.10008.1.2.1", 200), ("*", 200), ("1.2.840.10008.1.2", 406)])
def test_9_4_1_it_is_not_transcoded(service: Service, series: WrittenSeries, syntax: str, status: int) -> None:
    query = {**first_of(series), "contentType": "application/dicom", "transferSyntax": syntax}
    assert service.get("", **query).status_code == status


def test_9_5_images_come_as_pictures_and_other_objects_as_they_are(service: Service, series: WrittenSeries) -> None:
    assert service.get("", **first_of(series))["Content-Type"] == "image/jpeg"
    assert service.get("", contentType="image/png", **first_of(series))["Content-Type"] == "image/png"
    assert service.get("", "image/avif,image/*;q=0.8", **first_of(series))["Content-Type"] == "image/jpeg"
    plan = target(stored(service, packaged("rtplan.dcm")))
    assert service.get("", **plan)["Content-Type"] == "application/dicom"
    assert service.get("", contentType="image/jpeg", **plan).status_code == 406
    assert service.get("", contentType="application/dicom+xml", **plan).status_code == 406


def test_9_5_1_2_1_frames_are_counted_from_one(service: Service, gradient: dict[str, str]) -> None:
    query = {**gradient, "contentType": "image/png", "windowCenter": "128", "windowWidth": "256"}
    np.testing.assert_allclose(shown(service.get("", **query)), GRADIENT, atol=1)
    np.testing.assert_allclose(shown(service.get("", frameNumber="2", **query)), 255 - GRADIENT, atol=1)


def test_9_5_1_2_4_rows_and_columns_are_the_most_there_may_be(service: Service, gradient: dict[str, str]) -> None:
    sizes = [({"rows": "2"}, (2, 4)), ({"columns": "16"}, (8, 16)), ({"rows": "100", "columns": "4"}, (2, 4))]
    for query, size in sizes:
        assert shown(service.get("", contentType="image/png", **gradient, **query)).shape == size


def test_9_5_1_2_5_a_region_is_cut_out(service: Service, gradient: dict[str, str]) -> None:
    query = {**gradient, "contentType": "image/png", "windowCenter": "128", "windowWidth": "256"}
    part = shown(service.get("", region="0.5,0.25,1,0.75", **query))
    np.testing.assert_allclose(part, GRADIENT[1:3, 4:], atol=1)


def test_9_5_1_2_6_the_window_is_the_one_of_rendered(service: Service, series: WrittenSeries) -> None:
    mine = service.get("", contentType="image/png", windowCenter="40", windowWidth="400", **first_of(series))
    where = f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}/instances"
    theirs = service.get(f"{where}/{series.sop_instance_uids[0]}/rendered", "image/png", window="40,400")
    assert body_of(mine) == body_of(theirs)


@pytest.mark.parametrize(
    "change",
    [
        {"requestType": None}, {"requestType": "wado"}, {"studyUID": None}, {"objectUID": ""}, {"seriesUID": "1/2"},
        {"objectUID": "1" * 65}, {"frameNumber": "3"}, {"frameNumber": "0"}, {"frameNumber": "x"}, {"frameNumber": "٢"},
        {"windowCenter": "1"}, {"windowWidth": "1"}, {"windowCenter": "1", "windowWidth": "-1"}, {"rows": "0"},
        {"columns": "1e3"}, {"region": "0,0,1"}, {"region": "0,0,0,1"}, {"region": "0,0,1,1.1"}, {"region": "a,0,1,1"},
        {"imageQuality": "0"}, {"anonymize": "yes"}, {"presentationUID": "1.2"},
    ],
)  # fmt: skip
def test_9_what_is_wrong_is_said(service: Service, gradient: dict[str, str], change: dict[str, Any]) -> None:
    query = {name: value for name, value in {**gradient, **change}.items() if value is not None}
    response = service.get("", **query)
    assert response.status_code == 400
    assert response.json()["detail"].endswith(".")


def test_8_3_parameters_that_are_not_known_are_ignored(service: Service, gradient: dict[str, str]) -> None:
    assert service.get("", imageAnnotation="patient", charset="UTF-8", **gradient).status_code == 200


@pytest.mark.parametrize("name", ["studyUID", "seriesUID", "objectUID"])
def test_what_is_not_there_is_404(service: Service, gradient: dict[str, str], name: str) -> None:
    assert service.get("", **{**gradient, name: "1.2.3"}).status_code == 404


def test_rights_and_traces_are_those_of_wado_rs(series: WrittenSeries, alice: User, vera: User, charlie: User) -> None:
    whole, picture = {**first_of(series), "contentType": "application/dicom"}, first_of(series)
    looking, by_program = Service.by_session(vera), Service.by_token(make_token(vera, name="x", days=1)[1])
    assert [looking.get("", **query).status_code for query in (whole, picture)] == [403, 200]
    assert [by_program.get("", **query).status_code for query in (whole, picture)] == [403, 403]
    assert [Service.by_session(charlie).get("", **query).status_code for query in (whole, picture)] == [404, 404]
    assert StudyRead.objects.get(user=vera).kind == StudyRead.Kind.VIEWED
    body_of(Service.by_session(alice).get("", **whole))
    entry = Entry.objects.get(action="images.exported")
    assert (entry.actor_pk, entry.subject_type) == (alice.pk, "archives.instance")


def test_other_methods_are_refused(service: Service, gradient: dict[str, str]) -> None:
    response = service.client.post(f"{service.root}/", gradient, headers=service.headers)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
