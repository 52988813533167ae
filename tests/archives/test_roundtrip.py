"""Every file inside the pydicom package: in by STOW-RS and out bit for bit, or refused with its reason."""

from collections import Counter
from pathlib import Path

import pydicom

from apps.archives.models import Archive, Instance
from apps.archives.verification import verify
from tests.archives.dicom_files import ALL_FILES
from tests.archives.dicomweb import Service, body_of, failures

TABLE = Path(__file__).resolve().parents[2] / "build" / "roundtrip.md"


def test_every_packaged_file_comes_back_bit_exact_or_is_refused_with_its_reason(
    service: Service, archive: Archive
) -> None:
    rows = [(path.name, *_round_trip(service, archive, path, number)) for number, path in enumerate(ALL_FILES)]
    _write_table(rows)
    outcomes = Counter(outcome for _, outcome, _ in rows)
    assert set(outcomes) == {"bit-exact", "refused"}
    assert outcomes["bit-exact"] > 130
    readable = [path for path in ALL_FILES if _is_plain_part10(path)]
    refused = {name for name, outcome, _ in rows if outcome == "refused"}
    # What pydicom itself reads without doubt is refused only for what is wrong with its pixels or identity.
    sentences = {sentence for name, _, sentence in rows if name in {path.name for path in readable} & refused}
    assert all("not a DICOM" not in sentence for sentence in sentences)


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
    address = (
        f"studies/{instance.series.study.study_instance_uid}/series/{instance.series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )
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


def _write_table(rows: list[tuple[str, str, str]]) -> None:
    TABLE.parent.mkdir(exist_ok=True)
    lines = [f"| {name} | {outcome} | {detail} |" for name, outcome, detail in sorted(rows)]
    TABLE.write_text(
        "\n".join(["| file | outcome | transfer syntax, or why it is refused |", "|---|---|---|", *lines, ""])
    )
