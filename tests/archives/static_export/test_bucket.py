"""`manage.py archive export PROJECT s3://…`: what a folder has, under the addresses that clients ask for."""

import gzip
import json
from pathlib import PurePosixPath

import pytest
from pytest_django.fixtures import Settings

from apps.archives import removal
from apps.archives.models import Archive, Instance
from apps.integrations.objectstore import s3
from tests.archives.dicomweb import Service, place
from tests.archives.static_export.site import CONTENT_TYPES, WHOLE_TYPE, Site
from tests.archives.static_export.test_folder import export
from tests.archives.test_archive_command import run
from tests.dicom import WrittenSeries
from tests.integrations.memory_bucket import MemoryBucket
from tests.portal import free_port

KINDS = {
    ".json.gz": ("application/dicom+json", "gzip"),
    ".jpg": ("image/jpeg", ""),
    ".dicom": (WHOLE_TYPE, ""),
    **{suffix: (content_type, "") for suffix, content_type in CONTENT_TYPES.items()},
}


def key_of(name: str) -> str:
    """Of what a folder has under that name, in a bucket that keeps folders."""
    return name if name.endswith((".json.gz", ".dicom")) else name.removesuffix(PurePosixPath(name).suffix)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> MemoryBucket:
    settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = "key", "secret"
    bucket = MemoryBucket()
    monkeypatch.setattr(s3, "S3Bucket", lambda *_, **__: bucket)
    return bucket


def test_keys_are_addresses_and_objects_say_what_they_are(
    service: Service, series: WrittenSeries, site: Site, bucket: MemoryBucket
) -> None:
    export(site)
    out, err = run("export", "cardiac-mr", "s3://images/heart")
    assert err == ""
    assert "wrote 3 objects" in out
    expected = {}
    for name, (_, content) in site.files().items():
        suffix = next(suffix for suffix in KINDS if name.endswith(suffix))
        expected["heart/" + name.removesuffix(suffix)] = (content, *KINDS[suffix])
    visible = {key: one for key, one in bucket.objects.items() if not key.startswith("heart/.export/")}
    assert {key: (one.content, one.content_type, one.content_encoding) for key, one in visible.items()} == expected


def test_where_folders_are_kept_no_key_is_the_beginning_of_another(
    service: Service, series: WrittenSeries, site: Site, bucket: MemoryBucket
) -> None:
    export(site)
    assert run("export", "cardiac-mr", "s3+files://images")[1] == ""
    visible = {key: one.content for key, one in bucket.objects.items() if not key.startswith(".export/")}
    assert visible == {key_of(name): content for name, (_, content) in site.files().items()}
    folders = {folder for key in visible for folder in map(str, PurePosixPath(key).parents)}
    assert not folders & visible.keys()


@pytest.mark.parametrize("scheme", ["s3", "s3+files"])
def test_again_only_what_changed_is_written_and_what_is_gone_is_removed(
    service: Service, archive: Archive, series: WrittenSeries, bucket: MemoryBucket, scheme: str
) -> None:
    target = f"{scheme}://images/heart"
    run("export", "cardiac-mr", target)
    before = dict(bucket.objects)
    assert "wrote 0 objects, 3 were there unchanged" in run("export", "cardiac-mr", target)[0]
    assert all(bucket.objects[key] is one for key, one in before.items())
    gone = series.sop_instance_uids[0]
    removal.remove(archive, [Instance.objects.get(sop_instance_uid=gone).pk])
    assert "removed 1 " in run("export", "cardiac-mr", target)[0]
    assert not [key for key in bucket.objects if gone in key]
    suffix = ".json.gz" if scheme == "s3+files" else ""
    assert len(json.loads(gzip.decompress(bucket.objects[f"heart/{place(series)}/metadata{suffix}"].content))) == 2


def test_a_bucket_needs_credentials(archive: Archive, settings: Settings) -> None:
    settings.S3_ACCESS_KEY = ""
    assert "S3_ACCESS_KEY" in run("export", "cardiac-mr", "s3://images/heart")[1]


@pytest.mark.faults
def test_a_bucket_that_does_not_answer_is_named(service: Service, series: WrittenSeries, settings: Settings) -> None:
    settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = "key", "secret"
    settings.S3_ENDPOINT = f"http://127.0.0.1:{free_port()}"
    _, err = run("export", "cardiac-mr", "s3://images/heart")
    assert "The bucket does not do what it is asked" in err
    assert "the same command goes on from there" in err
