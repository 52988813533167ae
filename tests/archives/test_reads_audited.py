"""Who read which images, and when, can be told afterwards: also when they are gone, and by whichever door."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import deleting, exports
from apps.archives.models import Archive, Export, Study
from apps.audit.models import Entry
from tests.archives.dicomweb import Service, body_of, place
from tests.dicom import WrittenSeries, ct_series

ZIP = "application/zip"


def entries(*actions: str) -> list[Entry]:
    return list(Entry.objects.filter(action__in=actions).order_by("pk"))


def uids(series: WrittenSeries) -> dict[str, str]:
    return {"study_instance_uid": series.study_instance_uid, "series_instance_uid": series.series_instance_uid}


def test_what_was_viewed_exported_and_deleted_is_known_when_it_is_gone(
    service: Service, series: WrittenSeries, alice: User, vera: User
) -> None:
    Service.by_session(vera).get(f"{place(series)}/instances/{series.sop_instance_uids[0]}/frames/1")
    for path in (f"studies/{series.study_instance_uid}", place(series)):
        body_of(service.get(path, ZIP))
    body_of(service.get(f"{place(series)}/instances/{series.sop_instance_uids[1]}"))
    study = {"study_instance_uid": series.study_instance_uid}
    deleting.delete(Study.objects.select_related("archive").get(), by=alice)
    told = [(entry.action, entry.actor_pk, entry.detail) for entry in entries("images.viewed", "images.exported")]
    assert told == [
        ("images.viewed", vera.pk, study),
        ("images.exported", alice.pk, study),
        ("images.exported", alice.pk, uids(series)),
        ("images.exported", alice.pk, {**uids(series), "sop_instance_uid": series.sop_instance_uids[1]}),
    ]
    (deleted,) = entries("images.deleted")
    assert (deleted.actor_pk, deleted.detail) == (alice.pk, {"instances": 3, **study})
    assert [entry.detail for entry in entries("images.stored")] == [{"instances": 3, **study}]


@pytest.mark.parametrize(
    ("query", "is_read"),
    [
        ({"includefield": "all"}, True),
        ({"includefield": "KVP"}, True),
        ({"includefield": "Rows"}, False),
        ({}, False),
        ({"includefield": "all", "SOPInstanceUID": "1.2.3"}, False),
    ],
)
def test_a_search_for_whole_metadata_is_a_look_at_the_study(
    series: WrittenSeries, vera: User, query: dict[str, str], is_read: bool
) -> None:
    service = Service.by_session(vera)
    for path in ("instances", f"{place(series)}/instances", f"studies/{series.study_instance_uid}/instances"):
        service.search(path, **query)
    looks = entries("images.viewed")
    assert [(look.actor_pk, look.detail) for look in looks] == (
        [(vera.pk, {"study_instance_uid": series.study_instance_uid})] if is_read else []
    )


def test_only_what_is_on_the_page_of_a_search_is_looked_at(
    service: Service, series: WrittenSeries, vera: User, tmp_path: Path
) -> None:
    service.store_files(ct_series(tmp_path / "other", slices=1, patient_id="OTHER").paths)
    assert len(Service.by_session(vera).search("instances", includefield="all", limit="2")) == 2
    assert len(entries("images.viewed")) == 1
    with CaptureQueriesContext(connection) as again:
        Service.by_session(vera).search("instances", includefield="all", limit="2")
    assert "studyread" not in str(again.captured_queries)
    assert len(entries("images.viewed")) == 1


def test_head_takes_nothing_away(service: Service, series: WrittenSeries, alice: User) -> None:
    instance = f"{place(series)}/instances/{series.sop_instance_uids[0]}"
    for path in (f"studies/{series.study_instance_uid}", place(series), instance, f"{instance}/frames/1"):
        response = service.client.head(f"{service.root}/{path}", headers=service.headers)
        assert (response.status_code, body_of(response)) == (200, b"")
    query = {"requestType": "WADO", "studyUID": series.study_instance_uid, "seriesUID": series.series_instance_uid}
    wado = {**query, "objectUID": series.sop_instance_uids[0], "contentType": "application/dicom"}
    assert service.client.head(f"{service.root}/", wado, headers=service.headers).status_code == 200
    assert entries("images.viewed", "images.exported") == []
    service.get(f"{instance}/frames/1")
    assert [entry.action for entry in entries("images.viewed", "images.exported")] == ["images.exported"]


@pytest.fixture
def target(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    settings.EXPORT_TARGETS = {"atlas": str(folder)}
    return folder


def test_an_export_ends_with_the_number_of_its_objects(
    archive: Archive, series: WrittenSeries, alice: User, target: Path
) -> None:
    export = exports.ask(archive, "atlas", by=alice)
    exports.advance()
    (ended,) = entries("export.ended")
    assert (ended.actor_pk, ended.subject_pk) == (alice.pk, export.pk)
    assert ended.detail == {"archive": "images", "target": "atlas", "status": "done", "objects": 3}
    exports.cancel(exports.ask(archive, "atlas", by=alice), by=alice)
    assert [entry.detail["objects"] for entry in entries("export.cancelled")] == [0]


@pytest.mark.faults
def test_an_export_that_fails_ends_too(
    archive: Archive, series: WrittenSeries, alice: User, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.ask(archive, "atlas", by=alice)
    target.rmdir()
    target.write_text("no folder")
    exports.advance()
    assert Export.objects.get().status == Export.Status.FAILED
    assert [(entry.detail["status"], entry.detail["objects"]) for entry in entries("export.ended")] == [("failed", 0)]


def test_the_command_tells_its_number_too(archive: Archive, series: WrittenSeries, tmp_path: Path) -> None:
    call_command("archive", "export", "cardiac-mr", str(tmp_path / "site"), stdout=io.StringIO())
    began, ended = entries("archive.exported", "archive.export_ended")
    assert (began.subject_pk, ended.subject_pk) == (archive.pk, archive.pk)
    assert ended.detail == {"objects": 3}
