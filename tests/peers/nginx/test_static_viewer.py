"""OHIF shows an exported folder that nginx serves, with no process of the portal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.datasets.uploads.services import import_files
from tests.browser.ohif import head_ct_and_bones, needs_ohif
from tests.peers.nginx.ohif import expect_segmentation, ohif_site
from tests.peers.starting import own_folder, throwaway_folder
from tests.portal import REPOSITORY

pytestmark = [needs_ohif, pytest.mark.peers, pytest.mark.timeout(300)]
RULES = REPOSITORY / "deploy" / "nginx" / "static-dicomweb.conf"


@pytest.fixture
def site(archive: Archive, alice: User, tmp_path: Path) -> Iterator[str]:
    """The address of OHIF before a folder with a CT series and its segmentation."""
    assert not import_files(archive, head_ct_and_bones(tmp_path), by=alice).refused
    with throwaway_folder() as folder:
        exported = own_folder(folder, "export")
        call_command("archive", "export", archive.project.namespace, str(exported))
        with ohif_site(folder, f"root {exported}; include {RULES};", is_static=True) as address:
            yield address


def test_a_series_and_its_segmentation(site: str, archive: Archive, browser: Browser) -> None:
    expect_segmentation(browser, site, archive)
