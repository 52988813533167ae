"""Bodies and queries that are wrong in every way: an answer with a sentence, never 500, and nothing half there."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives.dicomweb import matching
from apps.archives.dicomweb import multipart as parsing
from apps.archives.models import Archive, Instance
from apps.archives.services import IncomingFile, store_files
from apps.archives.verification import verify
from tests.archives.dicom_files import changed
from tests.archives.dicomweb import BOUNDARY, Service, multipart
from tests.archives.fuzzing import Fuzzer
from tests.dicom import ct_series

pytestmark = pytest.mark.attacks
examples = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
DELIMITER, END = f"\r\n--{BOUNDARY}\r\n".encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def file(tmp_path: Path) -> bytes:
    return ct_series(tmp_path / "source", slices=1).paths[0].read_bytes()


@pytest.fixture
def stocked(service: Service, archive: Archive, alice: User, tmp_path: Path) -> Service:
    """Three studies that differ in what is matched most."""
    people = (
        {"PatientName": "Doe^Jane=ドウ^ジェーン", "PatientID": "J-1", "StudyTime": "101530.25", "Modality": "CT"},
        {"PatientName": "öberg^Åsa", "PatientID": "j*%_1", "StudyDate": "", "StudyTime": "", "Modality": "MR"},
        {"PatientName": "", "PatientID": "[x]\\", "StudyDate": "20240220", "AccessionNumber": "1", "Modality": "SEG"},
    )
    for number, attributes in enumerate(people):
        written = ct_series(tmp_path / str(number), slices=1)
        path = changed(written.paths[0], tmp_path / f"{number}.dcm", SpecificCharacterSet="ISO_IR 192", **attributes)
        assert not store_files(archive, [IncomingFile(path)], by=alice)[0].is_refused
    return service


def attack_by_body(service: Service, archive: Archive, settings: Settings, content_type: str, body: bytes) -> None:
    """Posts it, and looks that the archive has what the answer says and nothing else; empties it again."""
    response = service.post(body, content_type=content_type)
    assert response.status_code in (200, 202, 400, 409, 413, 415), (response.status_code, content_type, body)
    answer = json.loads(response.content)
    stored = answer.get("00081199", {}).get("Value", [])
    if response.status_code in (400, 413, 415):
        assert answer["detail"].endswith("."), answer
    else:
        assert bool(stored) == (response.status_code != 409)
    named = {one["00081155"]["Value"][0] for one in stored}
    assert set(Instance.objects.values_list("sop_instance_uid", flat=True)) == named
    root = settings.ARCHIVES_DIR / str(archive.pk)
    assert len(list(root.rglob("*.dcm"))) == len(named)
    incoming = root / "incoming"
    assert not incoming.exists() or not list(incoming.iterdir())
    if named:
        assert list(verify(archive)) == []
        empty(archive, root)


def empty(archive: Archive, root: Path) -> None:
    archive.studies.all().delete()
    archive.patients.all().delete()
    for path in root.rglob("*.dcm"):
        path.unlink()


headers = st.lists(
    st.sampled_from(
        [
            b"Content-Type: application/dicom", b"Content-Type: text/plain", b"content-type:", b"Content-Length: 9999",
            b"Content-Transfer-Encoding: base64", b"Content-Disposition: form-data; name=\"../x\"", b": x", b"x",
            b"X: " + b"y" * 9000, b"Content-Location: http://elsewhere/", b"\xff\x00: \xfe", b" folded",
            f"Content-Type: multipart/related; boundary={BOUNDARY}".encode(),
        ]
    ),
    max_size=4,
)  # fmt: skip
breaks = st.sampled_from([b"\r\n"] * 6 + [b"\n", b"\r", b""])
content_types = st.one_of(
    st.just(f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'),
    st.builds(
        "multipart/related; {}boundary={}".format,
        st.sampled_from(
            ["", 'type="application/dicom"; ', "type=application/dicom; x=y; ", 'TYPE="Application/DICOM";']
        ),
        st.sampled_from(
            [BOUNDARY, f'"{BOUNDARY}"', f"{BOUNDARY} ", f'"{BOUNDARY}', "", '""', "-", "x" * 70, "a;b", "--"]
        ),
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60),
)


@st.composite
def bodies(draw: st.DrawFn, file: bytes) -> bytes:
    """Parts with odd headers and contents that are whole, cut, random or bodies themselves, put together somehow."""
    contents = st.one_of(
        st.just(file),
        st.integers(0, len(file)).map(lambda end: file[:end]),
        st.binary(max_size=200),
        st.just(multipart([file])),
        st.just(DELIMITER + file),
    )
    pieces = [draw(st.sampled_from([b"", b"preamble", b"\r\n"]))]
    for _ in range(draw(st.integers(0, 4))):
        line = draw(breaks)
        pieces += [line, f"--{BOUNDARY}".encode(), line, *(one + line for one in draw(headers)), line, draw(contents)]
    pieces.append(draw(st.sampled_from([END, END, END + b"epilogue", END[:-4], b"", DELIMITER])))
    return b"".join(pieces)


@examples
@given(data=st.data())
def test_any_multipart_body_is_answered(
    service: Service, archive: Archive, settings: Settings, file: bytes, data: st.DataObject
) -> None:
    attack_by_body(service, archive, settings, data.draw(content_types), data.draw(bodies(file)) or b"-")


def test_fuzzed_bodies_are_answered(service: Service, archive: Archive, settings: Settings, file: bytes) -> None:
    content_type = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    tokens = [
        DELIMITER,
        END,
        b"\r\n",
        b"\r\n\r\n",
        b"--",
        BOUNDARY.encode(),
        b"\0",
        b"DICM",
        file[:200],
        b": ",
        b"-" * 70,
    ]
    corpus = [multipart([file]), multipart([file[:300], file]), multipart([b""]), multipart([]), DELIMITER + file]
    fuzzer = Fuzzer(corpus, tokens, ["python_multipart/multipart.py", "dicomweb/multipart.py", "dicomweb/storing.py"])
    for body in fuzzer.inputs(rounds=250):
        fuzzer.watch(body or b"-", lambda one: attack_by_body(service, archive, settings, content_type, one))


def attack_by_query(service: Service, text: bytes) -> None:
    path, _, query = text.decode("latin-1").partition("?")
    level = path if path in ("studies", "series", "instances") else "studies"
    response = service.client.generic(
        "GET", f"{service.root}/{level}", QUERY_STRING=query or "x", headers=service.headers
    )
    assert response.status_code in (200, 400, 406), (response.status_code, text)
    answer = json.loads(response.content)
    assert len(answer) <= 3 if response.status_code == 200 else answer["detail"].endswith("."), answer


def test_fuzzed_queries_are_answered(stocked: Service) -> None:
    corpus = [
        b"studies?PatientName=Doe*&limit=1&offset=1&includefield=all&fuzzymatching=true",
        b"series?Modality=CT&SeriesNumber=1&includefield=00081030%2C00080060&StudyDate=20240101-",
        b"instances?Rows=16&00400275.0040A043.00080100=x&SOPInstanceUID=1.2,3.4&PixelSpacing=1.0",
        b"studies?StudyTime=10-1130&multiplevaluematching=true&ModalitiesInStudy=CT%5CMR&emptyvaluematching=true",
        b'studies?emptyvaluematching=true&StudyDate=""&accept=application/json',
    ]
    tokens = [
        b"&",
        b"=",
        b"%00",
        b"%FF",
        b"%F0%9F%98%80",
        b"*",
        b"?",
        b"%5C",
        b'""',
        b"-",
        b"%",
        b"+",
        b"\xff",
        b";",
        b".",
    ]
    tokens += [b"00100020", b"PatientID=", b"9" * 40, b"limit=", b"includefield=", b"nan", b"1e999", b"^", b"PixelData"]
    fuzzer = Fuzzer(corpus, tokens, ["dicomweb/query.py", "dicomweb/matching.py", "dicomweb/search.py"])
    for text in fuzzer.inputs(rounds=1500):
        fuzzer.watch(text, lambda one: attack_by_query(stocked, one))


columns = st.sampled_from(
    ["PatientID", "PatientName", "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "StudyDescription"]
)
values = st.one_of(
    st.sampled_from(
        ["Doe^Jane", "ドウ*", "ÖBERG*", "j*%_1", "[x]\\", "20240220", "10", "-1016", "1015-", "CT", '""', "[*"]
    ),
    st.text('*?%_\\[]^=-DOEdoej1,"', max_size=6),
)


@examples
@given(name=columns, value=values, has_empty=st.booleans(), has_several=st.booleans())
def test_the_database_finds_what_the_attributes_say(
    stocked: Service, name: str, value: str, has_empty: bool, has_several: bool
) -> None:
    query = {
        name: value, "emptyvaluematching": str(has_empty).lower(), "multiplevaluematching": str(has_several).lower(),
    }  # fmt: skip
    by_columns = stocked.get("studies", **query)
    with patch.object(matching, "_COLUMNS", {}):
        by_attributes = stocked.get("studies", **query)
    assert by_columns.status_code == by_attributes.status_code
    assert by_columns.json() == by_attributes.json()


@pytest.mark.parametrize(
    "flood",
    [
        f"\r\n--{BOUNDARY[:-1]}".encode(),
        b"\r\n--",
        b"\r",
        f"--{BOUNDARY}\r\nX: y\r\n".encode(),
        b"\r\nX: y",
        f"--{BOUNDARY}\r\nX:".encode() + b"y" * 4000,
    ],
)
def test_a_flood_stays_out_of_memory(tmp_path: Path, flood: bytes) -> None:
    piece = flood * (2**20 // len(flood))

    def chunks() -> Iterator[bytes]:
        yield f"--{BOUNDARY}\r\n\r\n".encode()
        for _ in range(8):
            yield piece

    tracemalloc.start()
    try:
        with pytest.raises(parsing.MultipartInvalid, match=re.escape("The body")):
            list(parsing.receive(chunks(), BOUNDARY, tmp_path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * 1024**2
