"""`manage.py archive`: says whether an archive is whole, and mends what is only derived."""

import gzip
import io
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import metadata_files, registering
from apps.archives.models import Archive, Instance, Series, Study
from apps.archives.registering import Place
from apps.archives.services import IncomingFile, refresh, store_files
from tests.archives.dicom_files import path_of
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.dicomweb_server import PASSWORD, USERNAME, TwinDicomWeb, running_dicomweb


@pytest.fixture
def stored(archive: Archive, alice: User, tmp_path: Path) -> WrittenSeries:
    series = ct_series(tmp_path / "source", slices=3)
    store_files(archive, [IncomingFile(path) for path in series.paths], by=alice)
    return series


def run(*arguments: str) -> tuple[str, str]:
    """What the command writes to standard output and to standard error, also when it fails."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("archive", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def test_a_whole_archive_is_said_to_be_whole(stored: WrittenSeries) -> None:
    assert run("verify", "cardiac-mr") == ("Archive images: all 3 objects are there, unchanged.\n", "")


@pytest.mark.faults
def test_each_fault_has_its_sentence(stored: WrittenSeries) -> None:
    missing, changed, _ = map(path_of, Instance.objects.select_related("series__study").order_by("pk"))
    missing.unlink()
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    out, err = run("verify", "cardiac-mr")
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    assert f"{missing} is missing" in lines[0]
    assert f"{changed} have changed" in lines[1]
    assert "2 of its objects" in lines[2]
    with pytest.raises(CommandError):
        call_command("archive", "verify", "cardiac-mr", stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.faults
def test_what_follows_from_the_index_is_made_anew(stored: WrittenSeries, archive: Archive) -> None:
    run("rebuild", "cardiac-mr")
    series = Series.objects.select_related("study").get()
    file = metadata_files.file_of(series, series.metadata_version)
    content = file.read_bytes()
    for damage in (content[:-30], b"no gzip", gzip.compress(b"[\n]\n"), None):
        file.unlink() if damage is None else file.write_bytes(damage)
        out, err = run("verify", "cardiac-mr")
        assert (err, f"({series.series_instance_uid}): its metadata file is written anew." in out) == ("", True)
        assert file.read_bytes() == content
    Series.objects.update(instance_count=7, size_bytes=1)
    Study.objects.update(instance_count=7)
    out, _ = run("verify", "cardiac-mr")
    assert f"Series {series.series_instance_uid}: its objects are counted again." in out
    assert f"Study {series.study.study_instance_uid}: its series are counted again." in out
    assert list(Study.objects.values_list("series_count", "instance_count", "size_bytes")) == [
        (1, 3, sum(path.stat().st_size for path in stored.paths))
    ]
    assert run("verify", "cardiac-mr") == ("Archive images: all 3 objects are there, unchanged.\n", "")


@pytest.mark.faults
def test_files_that_the_index_lost_are_taken_in_again(stored: WrittenSeries) -> None:
    lost, *_ = Instance.objects.select_related("series__study").order_by("pk")
    stray = path_of(lost).with_name("0" * 32 + ".dcm")
    stray.write_bytes(b"stray")
    lost.delete()
    out, err = run("verify", "cardiac-mr")
    assert "all 2 objects are there" in out
    assert "2 files are not in the index" in out
    assert err == ""
    out, err = run("adopt", "cardiac-mr")
    assert "took 1 of 2 files into the index" in out
    assert err.startswith(f"{stray}: ")
    assert Instance.objects.filter(sop_instance_uid=lost.sop_instance_uid, sha256=lost.sha256).exists()
    assert "all 3 objects are there" in run("verify", "cardiac-mr")[0]


def test_metadata_files_are_written_anew(archive: Archive, stored: WrittenSeries) -> None:
    run("rebuild", "cardiac-mr")
    series = Series.objects.select_related("study").get()
    assert not series.is_metadata_stale
    before = list(metadata_files.read(series))
    metadata_files.file_of(series, series.metadata_version).unlink()
    assert run("rebuild", "cardiac-mr") == ("Archive images: read 3 objects; the index of 0 is made anew.\n", "")
    assert list(metadata_files.read(series)) == before


class TestSeveralArchives:
    @pytest.fixture
    def twin(self, tmp_path: Path, settings: Settings) -> Iterator[TwinDicomWeb]:
        settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
        settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
        with running_dicomweb() as running:
            yield running

    @pytest.fixture
    def pacs(self, twin: TwinDicomWeb, archive: Archive, alice: User) -> Archive:
        place = Place(twin.url, USERNAME, PASSWORD)
        return registering.add(archive.project, name="pacs", kind=Archive.Kind.DICOMWEB, place=place, by=alice)

    @pytest.fixture
    def more(self, archive: Archive, alice: User, tmp_path: Path) -> Archive:
        """A second built-in one, the last of all."""
        added = registering.add(archive.project, name="more", kind=Archive.Kind.BUILT_IN, place=None, by=alice)
        store_files(added, [IncomingFile(path) for path in ct_series(tmp_path / "more", slices=2).paths], by=alice)
        return added

    def test_the_faults_of_each_are_named(self, stored: WrittenSeries, more: Archive) -> None:
        lost = [Instance.objects.filter(archive=found).order_by("pk")[0] for found in Archive.objects.order_by("pk")]
        for instance in lost:
            path_of(instance).unlink()
        out, err = run("verify", "cardiac-mr")
        assert out == ""
        assert [instance.sop_instance_uid in err for instance in lost] == [True, True]
        assert "Archive images: 1 of its objects" in err
        assert "Archive more: 1 of its objects" in err

    @pytest.mark.parametrize("action", ["verify", "adopt", "rebuild"])
    def test_one_that_is_out_of_reach_stops_no_other(
        self, stored: WrittenSeries, twin: TwinDicomWeb, pacs: Archive, more: Archive, tmp_path: Path, action: str
    ) -> None:
        twin.put(ct_series(tmp_path / "there", slices=1).paths[0].read_bytes())
        refresh(pacs)
        twin.fault = "error"
        out, err = run(action, "cardiac-mr")
        assert "Archive images: " in out
        assert "Archive more: " in out
        assert "Archive pacs: The archive that holds the images does not answer" in err

    @pytest.mark.parametrize("action", ["verify", "adopt", "rebuild"])
    def test_one_that_was_taken_out_is_passed_by(
        self, stored: WrittenSeries, pacs: Archive, more: Archive, alice: User, action: str
    ) -> None:
        registering.take_out(pacs, by=alice)
        out, err = run(action, "cardiac-mr")
        assert ("Archive images: " in out, "Archive more: " in out, err) == (True, True, "")

    def test_another_server_is_gone_over(self, twin: TwinDicomWeb, pacs: Archive, tmp_path: Path) -> None:
        for path in ct_series(tmp_path / "there", slices=2).paths:
            twin.put(path.read_bytes())
        out, err = run("adopt", "cardiac-mr", "--archive", "pacs")
        assert (out, err) == ("Archive pacs: the index has 2 objects, before 0.\n", "")


@pytest.mark.django_db
def test_an_unknown_project_is_said() -> None:
    assert "nowhere" in run("verify", "nowhere")[1]
