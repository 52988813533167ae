"""Studies, series and instances as application/zip (PS3.18 10.4.4): bit-exact, flat in memory, never cut."""

import io
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.archives.models import Instance
from apps.archives.port import ObjectUnavailable
from apps.archives.zipping import Member, length_of, written
from apps.audit.models import Entry
from tests.archives.dicom_files import changed, image, path_of, save
from tests.archives.dicomweb import Service, body_of, place, stored
from tests.dicom import WrittenSeries, ct_series

ZIP = "application/zip"


def unpacked(service: Service, path: str) -> dict[str, bytes]:
    response = service.get(path, ZIP)
    assert response.status_code == 200
    assert response["Content-Type"] == ZIP
    body = body_of(response)
    assert len(body) == int(response["Content-Length"])
    with ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def series_page(series: WrittenSeries) -> str:
    return f"/projects/cardiac-mr/data/series/{series.series_instance_uid}/"


def test_every_level_comes_bit_exact(service: Service, series: WrittenSeries) -> None:
    files = sorted(path.read_bytes() for path in series.paths)
    for path in (f"studies/{series.study_instance_uid}", place(series)):
        assert sorted(unpacked(service, path).values()) == files
    one = unpacked(service, f"{place(series)}/instances/{series.sop_instance_uids[1]}")
    assert [(name.split("/")[-1], body) for name, body in one.items()] == [
        (f"{series.sop_instance_uids[1]}.dcm", series.paths[1].read_bytes())
    ]


def test_a_browser_asks_by_its_address(service: Service, series: WrittenSeries) -> None:
    response = service.get(f"{place(series)}?accept={ZIP}", "text/html,*/*;q=0.8")
    assert response["Content-Disposition"] == f'attachment; filename="{series.series_instance_uid}.zip"'
    assert zipfile.is_zipfile(io.BytesIO(body_of(response)))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (f"{ZIP}; transfer-syntax=*", ZIP),
        (f"{ZIP}; transfer-syntax=1.2.840.10008.1.2.1", ZIP),
        ("application/*", ZIP),
        ("*/*", "multipart/related"),
        ('multipart/related; type="application/dicom", application/zip;q=0.9', "multipart/related"),
        (f"{ZIP}; transfer-syntax=1.2.840.10008.1.2.4.90", ""),
    ],
)
def test_it_is_one_form_among_others(service: Service, series: WrittenSeries, accept: str, media_type: str) -> None:
    response = service.get(place(series), accept)
    assert (response.status_code == 406) if not media_type else response["Content-Type"].startswith(media_type)


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs unzip")
def test_unzip_unpacks_it(service: Service, series: WrittenSeries, tmp_path: Path) -> None:
    archive = tmp_path / "series.zip"
    archive.write_bytes(body_of(service.get(place(series), ZIP)))
    subprocess.run(["unzip", "-q", archive, "-d", tmp_path / "out"], check=True, timeout=30)
    found = sorted(path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm"))
    assert found == sorted(path.read_bytes() for path in series.paths)


@pytest.mark.attacks
def test_names_lead_nowhere_and_are_told_apart(service: Service, tmp_path: Path) -> None:
    odd = ("../../etc", "..\\..\\x", "CON", "con", "a\u202eb", " . ", "Ö" * 64)
    for number, name in enumerate(odd):
        written = ct_series(tmp_path / str(number), slices=1)
        path = changed(
            written.paths[0], tmp_path / f"{number}.dcm", PatientID=f"P{number}", StudyDescription=name,
            SeriesDescription=name, SpecificCharacterSet="ISO_IR 192",
        )  # fmt: skip
        (member,) = unpacked(service, stored(service, path).split("/instances")[0])
        parts = member.split("/")
        assert len(parts) == 4
        assert all(part and len(part) <= 69 and part[0] not in ". " and part[-1] not in ". " for part in parts)
        assert not set('<>:"\\|?*\u202e') & set(member)
        assert "CON" not in {part.upper() for part in parts}


def test_series_that_look_alike_have_folders_of_their_own(service: Service, tmp_path: Path) -> None:
    first = ct_series(tmp_path / "first", slices=2)
    other = changed(first.paths[0], tmp_path / "x.dcm", SeriesInstanceUID="1.2.3", SOPInstanceUID="1.2.3.4")
    service.store_files([*first.paths, other])
    folders = {name.rsplit("/", 1)[0] for name in unpacked(service, f"studies/{first.study_instance_uid}")}
    one, two = sorted(folders)
    assert two == f"{one} (2)"


def test_it_takes_the_permission_and_each_time_is_audited(series: WrittenSeries, alice: User, vera: User) -> None:
    looking = Service.by_session(vera).get(place(series), accept=ZIP)
    assert looking.status_code == 403
    for _ in range(2):
        body_of(Service.by_session(alice).get(place(series), accept=ZIP))
    entries = Entry.objects.filter(action="images.exported")
    assert [(entry.actor_pk, entry.subject_type) for entry in entries] == [(alice.pk, "archives.series")] * 2


def test_more_images_cost_no_more_queries(service: Service, tmp_path: Path) -> None:
    def queries(slices: int) -> int:
        written = ct_series(tmp_path / str(slices), slices=slices)
        service.store_files(written.paths)
        with CaptureQueriesContext(connection) as made:
            assert len(unpacked(service, place(written))) == slices
        return len(made)

    assert queries(12) == queries(2)


def test_the_pages_link_to_it_for_who_may_export(series: WrittenSeries, alice: User, vera: User) -> None:
    study = f"/projects/cardiac-mr/data/studies/{series.study_instance_uid}/"
    for page, where in ((study, f"studies/{series.study_instance_uid}"), (series_page(series), place(series))):
        link = f'href="/projects/cardiac-mr/dicomweb/{where}?accept=application/zip"'
        assert link in Service.by_session(alice).client.get(page).text
        assert "application/zip" not in Service.by_session(vera).client.get(page).text


@pytest.fixture
def studies(service: Service, tmp_path: Path) -> list[WrittenSeries]:
    """Two, of patients whose names are alike to file systems."""
    written = [ct_series(tmp_path / name, slices=2, patient_id=name) for name in ("a", "A")]
    service.store_files([path for one in written for path in one.paths])
    return written


def taken(user: User, studies: list[WrittenSeries]) -> Any:
    chosen = {"action": "download", "studies": [one.study_instance_uid for one in studies]}
    return Service.by_session(user).client.post("/projects/cardiac-mr/data/selected/", chosen)


def test_many_studies_are_one_archive(studies: list[WrittenSeries], alice: User, vera: User) -> None:
    assert taken(vera, studies).status_code == 403
    response = taken(alice, studies)
    assert response["Content-Disposition"].startswith('attachment; filename="cardiac-mr-studies-20')
    with ZipFile(io.BytesIO(body_of(response))) as archive:
        assert archive.testzip() is None
        found = sorted(map(archive.read, archive.namelist()))
        assert len({name.split("/")[0].casefold() for name in archive.namelist()}) == 2
    assert found == sorted(path.read_bytes() for one in studies for path in one.paths)
    assert Entry.objects.filter(action="images.exported", actor_pk=alice.pk).count() == 2


def lose(**which: int) -> None:
    for instance in Instance.objects.select_related("series__study").filter(**which):
        path_of(instance).write_bytes(b"short")


@pytest.mark.faults
def test_of_many_studies_a_lost_first_file_is_said_and_a_later_one_breaks_it_off(
    studies: list[WrittenSeries], alice: User
) -> None:
    lose(instance_number=2)
    response = taken(alice, studies)
    pieces: list[bytes] = []
    with pytest.raises(ObjectUnavailable):
        pieces.extend(response.streaming_content)
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(pieces)))
    lose(instance_number=1)
    client = Service.by_session(alice).client
    chosen = {"action": "download", "scope": "matching"}
    response = client.post("/projects/cardiac-mr/data/selected/", chosen, follow=True)
    assert "The archive has lost this object" in response.text


def test_people_get_a_page_when_it_cannot_be_had(series: WrittenSeries, vera: User) -> None:
    response = Service.by_session(vera).get(f"{place(series)}?accept={ZIP}", "text/html,*/*;q=0.8")
    assert response.status_code == 403
    assert "<h1>" in response.text
    assert "export" in response.text


@pytest.mark.faults
def test_a_lost_file_is_said_before_anything_is_sent(service: Service, series: WrittenSeries) -> None:
    instance = Instance.objects.select_related("series__study").get(sop_instance_uid=series.sop_instance_uids[2])
    path_of(instance).unlink()
    assert service.get(place(series), ZIP).status_code == 410


@pytest.mark.faults
def test_a_file_that_fails_midway_breaks_the_answer_off(service: Service, series: WrittenSeries) -> None:
    whole = body_of(service.get(place(series), ZIP))
    response = service.get(place(series), ZIP)
    last = Instance.objects.select_related("series__study").get(sop_instance_uid=series.sop_instance_uids[2])
    path_of(last).write_bytes(b"short")
    pieces: list[bytes] = []
    with pytest.raises(ObjectUnavailable):
        pieces.extend(response.streaming_content)
    sent = b"".join(pieces)
    assert 0 < len(sent) < len(whole) == int(response["Content-Length"])
    assert not zipfile.is_zipfile(io.BytesIO(sent))


def zeros(path: str, size: int) -> Member:
    def chunks() -> Iterator[bytes]:
        for at in range(0, size, 1 << 20):
            yield bytes(min(1 << 20, size - at))

    return Member(path, size, chunks())


def test_the_length_is_known_beyond_the_bounds_of_old_archives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The bounds of zip are lowered, instead of writing gigabytes: to members, to offsets and to how many there are.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100_000)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 5)
    sizes = [0, 1, 99_000, 100_001, 3_000_000, 5, 0, 200_000]
    members = [zeros(f"é{number}", size) for number, size in enumerate(sizes)]
    body = b"".join(written(members))
    assert len(body) == length_of(members)
    with ZipFile(io.BytesIO(body)) as archive:
        assert [info.file_size for info in archive.infolist()] == sizes
        assert archive.testzip() is None


def test_a_large_study_is_never_in_memory(service: Service, tmp_path: Path) -> None:
    where = stored(service, save(image(np.zeros((64, 512, 1024), np.uint16)), tmp_path / "large.dcm"))
    tracemalloc.start()
    try:
        length = sum(map(len, service.get(where.split("/series")[0], ZIP).streaming_content))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length > 64 * 1024**2
    assert peak < 8 * 1024**2
