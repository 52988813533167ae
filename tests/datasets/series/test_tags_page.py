"""The page of all attributes of an object: searched, in every writing, and harmless whatever is in it."""

from collections.abc import Callable
from html import unescape
from http import HTTPStatus
from pathlib import Path

import pydicom
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pydicom.data import get_charset_files, get_testdata_file
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import RawDataStorage, generate_uid

from apps.accounts.models import User
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries, ct_series, save

HTML = "<script>alert(12)</script>"
# Of a standard attribute where there is one that nothing else needs.
VRS = {
    "AE": 0x00080054, "AS": 0x00101010, "CS": 0x00185101, "DA": 0x00080023, "DS": 0x00101030, "DT": 0x0008002A,
    "IS": 0x00201206, "LO": 0x00081030, "LT": 0x00204000, "PN": 0x00100010, "SH": 0x00080050, "ST": 0x00080081,
    "TM": 0x00080033, "UC": 0x00189908, "UI": 0x00080014, "UR": 0x00080120, "UT": 0x0040A160,
    "OB": 0x00420011, "UN": 0x00091001, "OW": 0x00281201,
}  # fmt: skip


def address(dataset: Dataset) -> str:
    return f"/projects/cardiac-mr/data/series/{dataset.SeriesInstanceUID}/tags/{dataset.SOPInstanceUID}/"


@pytest.fixture
def veras(client_of: ClientOf, vera: User) -> Client:
    return client_of(vera)


@pytest.mark.attacks
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_html_in_any_kind_of_value_is_only_text(store: Callable[..., None], tmp_path: Path, veras: Client) -> None:
    dataset = pydicom.dcmread(ct_series(tmp_path / "ct", slices=1).paths[0])
    inside = Dataset()
    for vr, tag in VRS.items():
        dataset[tag] = inside[tag] = as_it_is(tag, vr)
    dataset.add_new(0x00090010, "LO", HTML)
    dataset.add_new(0x00091002, "SQ", Sequence([inside]))
    store(save(dataset, tmp_path / "hostile.dcm"))
    page = veras.get(address(dataset)).text
    assert "<script>alert" not in page
    # Twice of each VR, the second time in a sequence; the creator, and those that it marks.
    assert unescape(page).count(HTML) >= 2 * len(VRS) + 2
    assert veras.get(address(dataset), {"q": '"><script>alert(1)</script>'}).text.count("<script>alert") == 0


def as_it_is(tag: int, vr: str) -> RawDataElement:
    """HTML, though the VR does not allow it."""
    return RawDataElement(Tag(tag), vr, len(HTML), HTML.encode(), 0, is_implicit_VR=False, is_little_endian=True)


CHARSET_FILES = sorted(Path(path) for path in get_charset_files("*.dcm"))


@pytest.mark.parametrize("path", CHARSET_FILES, ids=lambda path: path.stem)
def test_text_stands_in_its_own_writing(store: Callable[..., None], tmp_path: Path, veras: Client, path: Path) -> None:
    dataset = pydicom.dcmread(whole(path, tmp_path / path.name))
    store(tmp_path / path.name)
    page = unescape(veras.get(address(dataset)).text)
    dataset.decode()
    texts = [str(value) for element in dataset.iterall() if element.VR in {"PN", "LO"} for value in values(element)]
    assert texts
    assert not [text for text in texts if text.strip() not in page]
    assert not {"\ufffd", "\x1b"} & set(page)


def whole(path: Path, target: Path) -> Path:
    """The file with what the archive files it by, and without a picture that it only announces."""
    dataset = pydicom.dcmread(path)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if keyword not in dataset:
            setattr(dataset, keyword, generate_uid())
    if "SOPClassUID" not in dataset:
        dataset.SOPClassUID = RawDataStorage
    if "PixelData" not in dataset:
        for element in dataset.group_dataset(0x0028):
            del dataset[element.tag]
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(target, enforce_file_format=True)
    return target


def values(element: DataElement) -> list[object]:
    return list(element.value) if element.VM > 1 else [element.value]


def test_the_size_of_compressed_pixels_is_told(store: Callable[..., None], veras: Client) -> None:
    path = get_testdata_file("JPEG2000.dcm")
    store(Path(path))
    dataset = pydicom.dcmread(path)
    (row,) = [row for row in veras.get(address(dataset)).context["rows"] if row.name == "Pixel Data"]
    assert row.value.startswith("not shown: ")
    assert "long value" not in row.value


def test_a_search_stands_in_the_address_and_goes_on_to_the_next_object(stored_ct: WrittenSeries, veras: Client) -> None:
    first, second, *_ = (pydicom.dcmread(path) for path in stored_ct.paths)
    response = veras.get(address(first), {"q": "position (patient)"})
    assert [row.name for row in response.context["rows"]] == ["Image Position (Patient)"]
    assert 'value="position (patient)"' in response.text
    assert response.context["next_url"] == f"{address(second)}?q=position+%28patient%29"
    assert response.context["previous_url"] == ""


@pytest.mark.parametrize("query", ["?q=nothing+such", "?q=%00", f"?q={'x' * 5000}", "?q[]=1&q=%FF"])
def test_a_search_in_vain_offers_all(stored_ct: WrittenSeries, veras: Client, query: str) -> None:
    response = veras.get(address(pydicom.dcmread(stored_ct.paths[0])) + query)
    assert response.status_code == HTTPStatus.OK
    assert "No attribute mentions this." in response.text


def test_the_way_through_the_series_ends_at_its_last_object(stored_ct: WrittenSeries, veras: Client) -> None:
    place, seen = address(pydicom.dcmread(stored_ct.paths[0])), []
    while place:
        response = veras.get(place)
        seen.append(response.context["instance"].sop_instance_uid)
        place = response.context["next_url"]
    assert tuple(seen) == stored_ct.sop_instance_uids


def test_a_longer_series_costs_no_more_queries(
    stored_ct: WrittenSeries, store: Callable[..., None], tmp_path: Path, veras: Client
) -> None:
    longer = ct_series(tmp_path / "longer", slices=14, study_instance_uid=stored_ct.study_instance_uid)
    store(*longer.paths)
    counts = []
    for series in (stored_ct, longer):
        place = address(pydicom.dcmread(series.paths[0]))
        veras.get(place)
        with CaptureQueriesContext(connection) as queries:
            veras.get(place)
        counts.append(len(queries))
    assert counts[0] == counts[1]
