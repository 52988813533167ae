"""Every file inside the pydicom package, and of real scanners: in by STOW-RS and out bit for bit, or refused.

`python -m tests.archives.roundtrip_table` prints what became of each.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from apps.archives.models import Archive, Instance
from apps.archives.static import identity
from apps.archives.verification import verify
from tests.archives.dicom_files import ALL_FILES
from tests.archives.dicomweb import Service, body_of, failures
from tests.archives.roundtrip_table import TABLES

# https://github.com/neurolabusc/dcm_qa_nih: series of GE and Siemens scanners.
DCM_QA_NIH = Path(__file__).resolve().parents[3] / "shared" / "data" / "dcm_qa_nih"
AT_ONCE = 50


def test_every_packaged_file_comes_back_bit_exact_or_is_refused_with_its_reason(
    service: Service, archive: Archive
) -> None:
    rows = [(path.name, *_round_trip(service, archive, path, number)) for number, path in enumerate(ALL_FILES)]
    _write_table("pydicom", rows)
    outcomes = Counter(outcome for _, outcome, _ in rows)
    assert set(outcomes) == {"bit-exact", "refused"}
    assert outcomes["bit-exact"] > 130
    readable = [path for path in ALL_FILES if _is_plain_part10(path)]
    refused = {name for name, outcome, _ in rows if outcome == "refused"}
    # What pydicom itself reads without doubt is refused only for what is wrong with its pixels or identity.
    sentences = {sentence for name, _, sentence in rows if name in {path.name for path in readable} & refused}
    assert all("not a DICOM" not in sentence for sentence in sentences)


@pytest.mark.skipif(not DCM_QA_NIH.exists(), reason=f"needs {DCM_QA_NIH.name} in ../shared/data")
def test_files_of_real_scanners_come_back_bit_exact(service: Service, archive: Archive) -> None:
    paths = sorted(DCM_QA_NIH.rglob("*.dcm"))
    assert len(paths) > 600
    rows = [row for start in range(0, len(paths), AT_ONCE) for row in _stored(service, paths[start : start + AT_ONCE])]
    _write_table("dcm_qa_nih", rows)
    assert {outcome for _, outcome, _ in rows} == {"bit-exact"}
    assert Instance.objects.count() == len(paths)
    assert list(verify(archive)) == []


def _stored(service: Service, paths: list[Path]) -> Iterator[tuple[str, str, str]]:
    """Stores files in one request and reads each; none of them shares its UIDs with another."""
    assert service.store([path.read_bytes() for path in paths]).status_code == 200
    for path in paths:
        instance = Instance.objects.select_related("series__study").get(
            sop_instance_uid=pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID
        )
        is_same = body_of(service.get(_address(instance), "application/dicom")) == path.read_bytes()
        name = str(path.relative_to(DCM_QA_NIH))
        yield name, "bit-exact" if is_same else "changed", instance.transfer_syntax_uid


def _address(instance: Instance) -> str:
    series = instance.series
    return identity.instance_address(
        series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid
    )


def _round_trip(service: Service, archive: Archive, path: Path, number: int) -> tuple[str, str]:
    """Into an archive of its own, since some of the files share their UIDs."""
    own = Archive.objects.create(project=archive.project, name=f"file-{number}")
    service.root = f"/projects/cardiac-mr/archives/{own.name}/dicomweb"
    content = path.read_bytes()
    response = service.store([content])
    if response.status_code != 200:
        assert response.status_code == 409
        (reason, sentence), *others = failures(response)
        assert not others
        assert reason == 0xC000
        assert sentence.endswith(".")
        return "refused", sentence
    instance = Instance.objects.select_related("series__study").get(archive=own)
    address = _address(instance)
    assert body_of(service.get(address, "application/dicom")) == content
    assert len(service.search("instances")) == 1
    assert b"BulkDataURI" in body_of(service.get(f"{address}/metadata")) or not instance.number_of_frames
    assert list(verify(own)) == []
    return "bit-exact", instance.transfer_syntax_uid


def _is_plain_part10(path: Path) -> bool:
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
    except (pydicom.errors.InvalidDicomError, OSError, ValueError, AttributeError):
        return False
    return "SOPInstanceUID" in dataset


def _write_table(name: str, rows: list[tuple[str, str, str]]) -> None:
    TABLES.mkdir(parents=True, exist_ok=True)
    lines = [f"| {name} | {outcome} | {detail} |" for name, outcome, detail in sorted(rows)]
    (TABLES / f"{name}.md").write_text(
        "\n".join(["| file | outcome | transfer syntax, or why it is refused |", "|---|---|---|", *lines, ""])
    )
