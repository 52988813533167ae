"""An archive exported into a real bucket: what is in it then, killed half-way, or refused."""

import os
import signal
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from pytest_django.fixtures import Settings

from apps.archives.models import Archive
from apps.integrations.objectstore.s3 import S3Bucket
from tests.archives.dicomweb import Service
from tests.archives.static_export.site import Site
from tests.archives.static_export.test_bucket import KINDS, key_of
from tests.archives.static_export.test_folder import export
from tests.archives.test_archive_command import run
from tests.dicom import WrittenSeries, ct_series
from tests.killing import exit_of_child
from tests.peers.s3 import S3

pytestmark = [pytest.mark.peers, pytest.mark.django_db]


@pytest.fixture
def bucket(s3: S3, settings: Settings) -> str:
    settings.S3_ENDPOINT, settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = s3.url, s3.access_key, s3.secret_key
    return s3.make_bucket(f"b-{uuid.uuid4().hex}")


@pytest.fixture
def client(s3: S3) -> Any:
    """Another's, not the one that wrote."""
    keys = {"aws_access_key_id": s3.access_key, "aws_secret_access_key": s3.secret_key}
    return boto3.client("s3", endpoint_url=s3.url, config=Config(s3={"addressing_style": "path"}), **keys)


def test_the_bucket_has_what_the_folder_has(
    service: Service, series: WrittenSeries, site: Site, bucket: str, client: Any, tmp_path: Path
) -> None:
    target = f"s3+files://{bucket}/heart"
    export(site)
    assert run("export", "cardiac-mr", target) == (
        "3 of 3 objects\n3 of 3 objects\nArchive images: wrote 3 objects, 0 were there unchanged, removed 0 that the "
        "archive no longer has.\n",
        "",
    )
    for name, (_, content) in site.files().items():
        found = client.get_object(Bucket=bucket, Key=f"heart/{key_of(name)}")
        assert found["Body"].read() == content
        kind = next(kind for suffix, kind in KINDS.items() if name.endswith(suffix))
        assert (found["ContentType"], found.get("ContentEncoding", "")) == kind
    service.store_files(ct_series(tmp_path / "more", slices=2).paths)
    assert "wrote 2 objects, 3 were there unchanged" in run("export", "cardiac-mr", target)[0]


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_after_a_kill_the_next_one_goes_on(
    service: Service, archive: Archive, series: WrittenSeries, site: Site, bucket: str, s3: S3
) -> None:
    target = f"s3+files://{bucket}"
    export(site)

    def work() -> None:
        put, left = S3Bucket.put, iter(range(6))

        def dying(self: S3Bucket, *arguments: Any, **named: Any) -> None:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            put(self, *arguments, **named)

        S3Bucket.put = dying  # type: ignore[method-assign]
        run("export", "cardiac-mr", target)

    assert exit_of_child(work) == -signal.SIGKILL
    assert run("export", "cardiac-mr", target)[1] == ""
    folder = s3.folder / bucket
    found = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0][0] != "."]
    expected = {key_of(name): content for name, (_, content) in site.files().items()}
    assert {str(path.relative_to(folder)): path.read_bytes() for path in found} == expected


def test_a_bucket_that_keeps_folders_says_that_it_cannot_have_addresses_as_keys(
    service: Service, series: WrittenSeries, bucket: str
) -> None:
    _, err = run("export", "cardiac-mr", f"s3://{bucket}/heart")
    assert "The bucket does not do what it is asked" in err


def test_a_bucket_that_is_not_there_or_not_ours_is_named(
    service: Service, series: WrittenSeries, bucket: str, settings: Settings
) -> None:
    assert "The bucket does not do what it is asked" in run("export", "cardiac-mr", "s3://nowhere/heart")[1]
    settings.S3_SECRET_KEY = "wrong"
    _, err = run("export", "cardiac-mr", f"s3+files://{bucket}/heart")
    assert "The bucket does not do what it is asked" in err
    assert "wrong" not in err
