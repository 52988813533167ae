"""Whatever is asked or sent, the doors answer: never 500, never another's data, never markup from a file."""

import json
from pathlib import Path
from urllib.parse import quote

import pydicom
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.archives.dicomweb import matching
from apps.archives.dicomweb.query import SEARCHABLE, Level, Match, Query
from apps.archives.models import Instance
from tests.archives.dicomweb import BOUNDARY, STOW_TYPE, Service, body_of
from tests.dicom import ct_series, save

pytestmark = pytest.mark.attacks

# The database of one test is shared by all its examples, which only read, or store nothing that stays in the way.
examples = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
HTML = "<script>alert(1)</script>&\"'"

names = st.one_of(
    st.sampled_from(
        [*sorted(SEARCHABLE[Level.INSTANCE]), "PatientName", "StudyDate", "limit", "offset", "includefield"]
    ),
    st.sampled_from(
        ["fuzzymatching", "RequestAttributesSequence.ScheduledProcedureStepID", "00400275.00091010", "accept"]
    ),
    st.text(max_size=20),
)
texts = st.one_of(st.text(max_size=40), st.text("*?%_\\[]^=-.,0123456789", max_size=30))


@pytest.fixture
def stocked(service: Service, tmp_path: Path) -> Service:
    service.store_files(ct_series(tmp_path / "source", slices=2).paths)
    return service


@examples
@given(path=st.sampled_from(["studies", "series", "instances"]), query=st.lists(st.tuples(names, texts), max_size=4))
@example(path="studies", query=[("StudyTime", "9" * 30 + "-")])
@example(path="instances", query=[("Rows", "1e999")])
@example(path="instances", query=[("Rows", "nan")])
@example(path="series", query=[("SeriesNumber", "٣")])
@example(path="studies", query=[("limit", "٣")])
def test_any_query_is_answered(stocked: Service, path: str, query: list[tuple[str, str]]) -> None:
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
    response = stocked.client.get(f"{stocked.root}/{path}?{text}", headers=stocked.headers)
    assert response.status_code in (200, 400, 406)
    if response.status_code != 200:
        assert json.loads(response.content)["detail"]


def test_too_many_parameters_are_refused(stocked: Service) -> None:
    response = stocked.get("studies?" + "PatientID=x&" * 20_000)
    assert response.status_code == 400
    assert "too many" in response.json()["detail"]


def test_numbers_must_be_numbers(stocked: Service) -> None:
    assert stocked.get("series", SeriesNumber="one").status_code == 400
    assert stocked.get("instances", Rows="many").status_code == 400
    assert stocked.get("instances", InstanceNumber="99999999999").status_code == 400


@examples
@given(
    accept=st.one_of(
        st.text('abcdefgh/*;=,"q.01- ', max_size=60), st.text(st.characters(max_codepoint=255), max_size=30)
    )
)
def test_any_accept_is_answered(stocked: Service, accept: str) -> None:
    one = Instance.objects.select_related("series__study").first()
    assert one is not None
    place = f"studies/{one.series.study.study_instance_uid}/series/{one.series.series_instance_uid}"
    for path in ("studies", f"{place}/instances/{one.sop_instance_uid}/frames/1"):
        response = stocked.client.get(f"{stocked.root}/{path}", {"accept": accept}, headers=stocked.headers)
        assert response.status_code in (200, 406)


pieces = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [f"--{BOUNDARY}".encode(), b"\r\n", b"\r\n\r\n", b"--", b"\r\n--", f"\r\n--{BOUNDARY}--\r\n".encode()]
    ),
    st.just(f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()),
    st.just(b"\0" * 128 + b"DICM"),
)


@examples
@given(body=st.lists(pieces, min_size=1, max_size=10).map(b"".join))
def test_any_body_is_answered(service: Service, body: bytes) -> None:
    response = service.post(body or b"-", content_type=STOW_TYPE)
    assert response.status_code in (400, 409)
    assert Instance.objects.count() == 0


@examples
@given(parameter=st.sampled_from(["window", "viewport", "quality", "accept"]), value=texts)
@example(parameter="window", value="1e308,1e-300,sigmoid")
@example(parameter="window", value="-1e8,1e-8")
@example(parameter="viewport", value="8192,8192")
def test_any_presentation_is_answered(stocked: Service, parameter: str, value: str) -> None:
    one = Instance.objects.select_related("series__study").first()
    assert one is not None
    place = f"studies/{one.series.study.study_instance_uid}/series/{one.series.series_instance_uid}/rendered"
    response = stocked.client.get(f"{stocked.root}/{place}", {parameter: value}, headers=stocked.headers)
    assert response.status_code in (200, 400, 406)


@given(value=st.text("ab*?^", max_size=12), text=st.text("ab^", max_size=12))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_wildcards_mean_what_the_standard_says(value: str, text: str) -> None:
    def matches(pattern: str, rest: str) -> bool:
        if not pattern:
            return not rest
        if pattern[0] == "*":
            return any(matches(pattern[1:], rest[at:]) for at in range(len(rest) + 1))
        return bool(rest) and pattern[0] in ("?", rest[0]) and matches(pattern[1:], rest[1:])

    if "*" in value or "?" in value:
        _, (test,) = matching.conditions(Level.INSTANCE, _query(Match(("00080008",), "CS", value)))
        assert test({"00080008": {"vr": "CS", "Value": [text]}}) == matches(value, text)


def test_many_wildcards_cost_no_time(stocked: Service) -> None:
    # A pattern that backtracks would take years; pytest's own time limit ends the test.
    for name in ("StudyDescription", "PatientSex"):
        assert stocked.get("studies", **{name: "*a" * 500 + "b"}).status_code == 200


def test_markup_in_a_file_stays_text(service: Service, tmp_path: Path) -> None:
    source = ct_series(tmp_path / "source", slices=1)
    dataset = pydicom.dcmread(source.paths[0])
    dataset.PatientName = dataset.StudyDescription = dataset.SeriesDescription = HTML
    service.store_files([save(dataset, tmp_path / "html.dcm")])
    place = f"studies/{source.study_instance_uid}"
    for path in ("studies", f"{place}/series", f"{place}/metadata"):
        response = service.get(path)
        assert response["Content-Type"] == "application/dicom+json"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert json.dumps(HTML)[1:-1] in body_of(response).decode()


@pytest.mark.parametrize(
    "path", ["studies/1%2F2", "studies/%2e%2e", "studies/1.2%00", "studies/" + "1" * 65, "studies/1/series/../../x"]
)
def test_odd_paths_are_not_found(service: Service, path: str) -> None:
    assert service.get(path).status_code == 404


def _query(match: Match) -> Query:
    return Query(((match,),), frozenset(), includes_all=False, limit=None, offset=0, is_fuzzy=False)
