"""Storing: what is acknowledged is there for good, once; what is refused says why and leaves nothing."""

from pathlib import Path

from apps.archives.models import Archive, Instance, Patient, Series, Study
from apps.archives.services import object_path
from tests.archives.dicomweb import Service, failures, parts_of, values
from tests.dicom import ct_series


def test_a_series_is_stored_found_and_read_back(service: Service, archive: Archive, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=4)
    answer = service.store_files(series.paths)
    stored = values(answer, "00081199")
    assert {values(item, "00081155")[0] for item in stored} == set(series.sop_instance_uids)
    assert "00081198" not in answer
    study = service.search("studies")[0]
    assert values(study, "0020000D") == [series.study_instance_uid]
    assert values(study, "00201208") == [4]
    place = f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
    assert len(service.search(f"{place}/instances")) == 4
    parts = parts_of(service.get(place))
    assert sorted(body for _, body in parts) == sorted(path.read_bytes() for path in series.paths)
    frame = service.get(f"{place}/instances/{series.sop_instance_uids[0]}/frames/1")
    assert parts_of(frame)[0][1] == series.paths[0].read_bytes()[-512:]
