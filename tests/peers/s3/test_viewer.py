"""OHIF shows an exported bucket that nginx serves, with no process of the portal."""

import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Browser
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.datasets.uploads.services import import_files
from tests.archives.test_archive_command import run
from tests.browser.ohif import head_ct_and_bones, needs_ohif
from tests.peers.nginx.ohif import expect_segmentation, ohif_site
from tests.peers.s3 import S3, open_to_all
from tests.peers.starting import throwaway_folder
from tests.portal import REPOSITORY

pytestmark = [needs_ohif, pytest.mark.peers, pytest.mark.timeout(300)]
RULES = REPOSITORY / "deploy" / "nginx" / "static-dicomweb-bucket.conf"


@pytest.fixture
def site(archive: Archive, alice: User, tmp_path: Path, s3: S3, settings: Settings) -> Iterator[str]:
    """The address of OHIF before a bucket with a CT series and its segmentation."""
    settings.S3_ENDPOINT, settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = s3.url, s3.access_key, s3.secret_key
    assert not import_files(archive, _with_short_uids(head_ct_and_bones(tmp_path)), by=alice).refused
    name = s3.make_bucket(f"b-{uuid.uuid4().hex}")
    assert run("export", archive.project.namespace, f"s3+files://{name}")[1] == ""
    with (
        throwaway_folder() as folder,
        open_to_all(s3) as buckets,
        ohif_site(folder, f"set $bucket {buckets}/{name}; include {RULES};", is_static=True) as address,
    ):
        yield address


def _with_short_uids(paths: list[Path]) -> list[Path]:
    """This server takes short keys alone; what is no UID of the standard gets a new one, wherever it stands."""
    numbers, short = count(1), dict[str, str]()

    def shorten(_: pydicom.Dataset, element: pydicom.DataElement) -> None:
        if element.VR == "UI" and element.value and not str(element.value).startswith("1.2.840.10008."):
            element.value = short.setdefault(str(element.value), f"2.25.{next(numbers)}")

    for path in paths:
        data_set = pydicom.dcmread(path)
        data_set.walk(shorten)
        data_set.file_meta.walk(shorten)
        data_set.save_as(path)
    return paths


def test_a_series_and_its_segmentation(site: str, archive: Archive, browser: Browser) -> None:
    expect_segmentation(browser, site, archive)
