"""`manage.py archive export PROJECT DIR`: the same answers as the project's DICOMweb service, as files."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pydicom
import pytest
from PIL import Image

from apps.archives import removal
from apps.archives.models import Archive, Instance
from apps.archives.port import Content
from apps.archives.static.refusals import FileRefused
from apps.archives.static_export.folder import FolderTarget
from apps.archives.static_export.resources import BOUNDARY, JSON, Resource, undivided
from apps.audit.models import Entry
from tests.archives.dicom_files import image, packaged, path_of, save
from tests.archives.dicomweb import Service, body_of, place, stored
from tests.archives.static_export.site import Site
from tests.archives.test_archive_command import run
from tests.dicom import WrittenSeries, ct_series

ROOT = "https://images.example.org/heart"


def export(site: Site, *options: str) -> str:
    out, err = run("export", "cardiac-mr", str(site.root), *options)
    assert err == ""
    return out.splitlines()[-1]


def test_it_has_what_the_service_answers(service: Service, series: WrittenSeries, site: Site) -> None:
    assert "wrote 3 objects, 0 were there unchanged" in export(site, "--url", "http://testserver" + service.root)
    study, at = f"studies/{series.study_instance_uid}", place(series)
    for path in ("studies", "series", "instances", f"{study}/series", f"{study}/instances", f"{at}/instances"):
        assert site.json(path) == service.search(path)
    for path in (f"{study}/metadata", f"{at}/metadata"):
        assert _without_pixels(site.json(path)) == _without_pixels(json.loads(body_of(service.get(path))))
    for uid, source in zip(series.sop_instance_uids, series.paths, strict=True):
        instance = f"{at}/instances/{uid}"
        assert site.whole(instance) == source.read_bytes()
        assert site.parts(f"{instance}/frames/1") == [
            ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", pydicom.dcmread(source).PixelData)
        ]
        (metadata,) = site.json(f"{instance}/metadata")
        assert metadata["7FE00010"]["BulkDataURI"] == f"http://testserver{service.root}/{instance}/frames/1"
    picture = Image.open(site.root / f"{at}/thumbnail.jpg")
    assert np.asarray(picture).shape == (256, 256)


def _without_pixels(metadata: list[dict[str, object]]) -> list[dict[str, object]]:
    """The one frame of an object is not kept twice, so its value is found at another address."""
    return [{tag: value for tag, value in one.items() if tag != "7FE00010"} for one in metadata]


def test_lists_of_series_are_kept_by_what_may_be_asked_for(
    service: Service, series: WrittenSeries, site: Site, tmp_path: Path
) -> None:
    service.store_files(ct_series(tmp_path / "other", slices=1).paths)
    odd = pydicom.dcmread(series.paths[0])
    for number, modality in enumerate(("MR", "../CT", "")):
        odd.SeriesInstanceUID, odd.SOPInstanceUID = f"1.2.{number}", f"1.2.{number}.1"
        odd.file_meta.MediaStorageSOPInstanceUID = odd.SOPInstanceUID
        odd.Modality = modality
        service.store_files([save(odd, tmp_path / f"{number}.dcm")])
    export(site, "--url", "http://testserver" + service.root)
    every = service.search("series")
    assert len(every) == 5
    for one in every:
        uid = one["0020000E"]["Value"][0]
        assert site.json(f"series/SeriesInstanceUID/{uid}") == [one]
    for modality, number in (("CT", 2), ("MR", 1)):
        assert site.json(f"series/Modality/{modality}") == service.search("series", Modality=modality)
        assert len(site.json(f"series/Modality/{modality}")) == number
    assert {path.name for path in (site.root / "series/Modality").iterdir()} == {"CT.json.gz", "MR.json.gz"}


def test_without_an_address_it_may_be_moved_anywhere(service: Service, series: WrittenSeries, site: Site) -> None:
    export(site)
    at = place(series)
    for path, level in (("studies", 1), (f"studies/{series.study_instance_uid}/series", 3), (f"{at}/instances", 5)):
        found = site.json(path)[0]["00081190"]["Value"][0]
        assert urljoin(f"{ROOT}/{path}", found).removeprefix(f"{ROOT}/").count("/") == level
    for path in (f"{at}/metadata", f"{at}/instances/{series.sop_instance_uids[0]}/metadata"):
        address = urljoin(f"{ROOT}/{path}", site.json(path)[0]["7FE00010"]["BulkDataURI"])
        assert address == f"{ROOT}/{at}/instances/{series.sop_instance_uids[0]}/frames/1"


def test_the_command_is_audited(service: Service, series: WrittenSeries, archive: Archive, site: Site) -> None:
    export(site)
    entry = Entry.objects.get(action="archive.exported")
    assert (entry.actor_pk, entry.project_pk, entry.subject_pk) == (None, archive.project_id, archive.pk)


def test_what_did_not_change_is_not_written_again(
    service: Service, series: WrittenSeries, site: Site, tmp_path: Path
) -> None:
    export(site)
    before = site.files()
    assert "wrote 0 objects, 3 were there unchanged" in export(site)
    assert site.files() == before
    more = ct_series(tmp_path / "more", slices=2, study_instance_uid=series.study_instance_uid)
    service.store_files(more.paths)
    assert "wrote 2 objects, 3 were there unchanged" in export(site)
    after = site.files()
    assert all(after[name] == file for name, file in before.items() if name.startswith(place(series)))
    assert len(site.json("series")) == 2
    assert "wrote 5 objects" in export(site, "--url", ROOT)  # all addresses are others
    assert site.json("studies")[0]["00081190"]["Value"] == [f"{ROOT}/studies/{series.study_instance_uid}"]


def test_what_the_archive_no_longer_has_is_removed(
    service: Service, archive: Archive, series: WrittenSeries, site: Site, tmp_path: Path
) -> None:
    other = ct_series(tmp_path / "other", slices=1)
    service.store_files(other.paths)
    export(site)
    gone = Instance.objects.get(sop_instance_uid=series.sop_instance_uids[0])
    removal.remove(archive, [gone.pk])
    assert "wrote 0 objects, 3 were there unchanged, removed 1 " in export(site)
    names = "\n".join(site.files())
    assert series.sop_instance_uids[0] not in names
    assert series.sop_instance_uids[1] in names
    removal.remove(archive, list(Instance.objects.values_list("pk", flat=True)))
    assert "removed 3 " in export(site)
    lists = {"studies", "series", "series/Modality/CT", "instances"}
    assert set(site.files()) == {f"{path}.json.gz" for path in lists}
    assert [site.json(path) for path in lists] == [[]] * 4


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SC_rgb_rle_2frame.dcm", "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5"),
        ("JPEG2000.dcm", "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91"),
        ("JPGExtended.dcm", "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.51"),
    ],
)
def test_encapsulated_frames_stay_as_they_are(service: Service, site: Site, name: str, kind: str) -> None:
    at = stored(service, packaged(name))
    export(site)
    data_set = pydicom.dcmread(packaged(name))
    number = int(data_set.get("NumberOfFrames", 1))
    expected = list(pydicom.encaps.generate_frames(data_set.PixelData, number_of_frames=number))
    for position, frame in enumerate(expected, 1):
        assert site.parts(f"{at}/frames/{position}") == [(kind, frame)]
    (metadata,) = site.json(f"{at}/metadata")
    address = urljoin(f"{at}/metadata", metadata["7FE00010"]["BulkDataURI"])
    assert [content for _, content in site.parts(address)] == expected


def test_every_bulk_value_can_be_had(service: Service, site: Site, tmp_path: Path) -> None:
    volume = np.arange(3 * 7 * 5, dtype=np.uint16).reshape(3, 7, 5)
    curve = np.arange(600, dtype="<u2").tobytes()
    data_set = image(volume, RedPaletteColorLookupTableData=curve)
    data_set["RedPaletteColorLookupTableData"].VR = "OW"
    at = stored(service, save(data_set, tmp_path / "volume.dcm"))
    export(site)
    (metadata,) = site.json(f"{at}/metadata")
    for tag, expected in (("7FE00010", volume.tobytes()), ("00281201", curve)):
        address = urljoin(f"{at}/metadata", metadata[tag]["BulkDataURI"])
        assert [content.rstrip(b"\0") for _, content in site.parts(address)] == [expected.rstrip(b"\0")]
    assert [content for _, content in site.parts(f"{at}/frames/2")] == [volume[1].tobytes()]


@pytest.mark.faults
def test_an_object_that_is_lost_has_its_sentence_and_is_tried_again(
    service: Service, series: WrittenSeries, site: Site
) -> None:
    lost = Instance.objects.select_related("series__study").get(sop_instance_uid=series.sop_instance_uids[1])
    content = path_of(lost).read_bytes()
    path_of(lost).unlink()
    out, err = run("export", "cardiac-mr", str(site.root))
    assert "wrote 2 objects" in out
    assert f"Instance {lost.pk} ({lost.sop_instance_uid}): The archive has lost this object" in err
    assert "1 of its objects are not wholly exported" in err
    path_of(lost).write_bytes(content)
    assert "wrote 1 objects, 2 were there unchanged" in export(site)
    assert site.whole(f"{place(series)}/instances/{lost.sop_instance_uid}") == content


@pytest.mark.attacks
def test_an_object_that_would_seem_to_be_several_is_left_out_with_a_sentence(
    service: Service, series: WrittenSeries, site: Site, tmp_path: Path
) -> None:
    forged = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\nanother".encode()
    pixels = np.frombuffer(forged.ljust(4096, b"\0"), np.uint8).reshape(64, 64)
    where = stored(service, save(image(pixels), tmp_path / "forged.dcm"))
    out, err = run("export", "cardiac-mr", str(site.root))
    assert "wrote 3 objects" in out
    assert "The object has the mark that divides the parts of exported answers" in err
    assert not any(where in name for name in site.files())
    assert pixels.tobytes() in body_of(service.get(where))


@pytest.mark.parametrize("size", [1, 7, 40, 41, 1000])
def test_the_mark_is_found_across_chunks(size: int) -> None:
    content = b"x" * 777 + f"--{BOUNDARY}".encode() + b"y" * 333
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    with pytest.raises(FileRefused):
        list(undivided(Content("application/dicom", iter(chunks), len(content))).chunks)
    harmless = [content[:800], content[801:]]
    assert list(undivided(Content("application/dicom", iter(harmless), None)).chunks) == harmless


@pytest.mark.parametrize(("above", "made"), [(0o2750, 0o2750), (0o755, 0o750), (0o2700, 0o2700)])
def test_new_folders_are_for_who_may_enter_the_one_above(
    service: Service, series: WrittenSeries, tmp_path: Path, above: int, made: int
) -> None:
    base = tmp_path / "exports"
    base.mkdir()
    base.chmod(above)
    site = Site(base / "cardiac-mr" / "images")
    export(site)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (base / "cardiac-mr", site.root)]
    assert modes == [made, made]
    inside = [stat.S_IMODE((site.root / name).stat().st_mode) for name in ("studies", "studies.json.gz")]
    assert inside == [0o755, 0o644]
    assert stat.S_IMODE((site.root / ".export" / "notes").stat().st_mode) & 0o077 == 0


def test_two_exports_into_one_folder_do_not_meet(service: Service, series: WrittenSeries, site: Site) -> None:
    with FolderTarget(site.root).held():
        _, err = run("export", "cardiac-mr", str(site.root))
    assert "Another export is being written into this folder." in err


@pytest.mark.faults
def test_what_cannot_be_read_to_its_end_leaves_nothing(site: Site) -> None:
    def broken() -> Iterator[bytes]:
        yield b"the beginning"
        raise FileRefused("It cannot be decoded.")

    target = FolderTarget(site.root)
    with target.held():
        with pytest.raises(FileRefused):
            target.put(Resource("studies", JSON, broken()))
        assert not list((site.root / ".export" / "unfinished").iterdir())
    assert site.files() == {}


def test_it_says_what_is_missing(archive: Archive, tmp_path: Path) -> None:
    assert "It needs a folder" in run("export", "cardiac-mr")[1]
    assert "has such an archive" in run("export", "cardiac-mr", str(tmp_path), "--archive", "none")[1]
    (tmp_path / "file").touch()
    assert "File exists" in run("export", "cardiac-mr", str(tmp_path / "file"))[1]
