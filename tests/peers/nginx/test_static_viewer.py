"""OHIF shows an exported folder that nginx serves, with no process of the portal."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.datasets.services import import_files
from apps.viewer import files
from tests.browser.ohif import head_ct_and_bones, opened
from tests.peers.nginx import HERE, surroundings
from tests.peers.starting import LOOPBACK, accepts, own_folder, require, running, throwaway_folder
from tests.portal import REPOSITORY, free_port

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]
SERVER = """
types {{ text/html html; text/javascript js; text/css css; application/wasm wasm; application/json json; }}
server {{
    listen {address};
    root {folder}/export;
    location = /viewer/app-config.js {{ alias {folder}/app-config.js; }}
    location ^~ /viewer/ {{ alias {ohif}/; try_files $uri /viewer/index.html; }}
    include {rules};
}}
"""


@pytest.fixture
def exported(archive: Archive, alice: User, tmp_path: Path) -> Iterator[Path]:
    """A folder whose `export` has a CT series and its segmentation."""
    assert not import_files(archive, head_ct_and_bones(tmp_path), by=alice).refused
    with throwaway_folder() as folder:
        call_command("archive", "export", archive.project.namespace, str(own_folder(folder, "export")))
        yield folder


@pytest.fixture
def site(exported: Path) -> Iterator[str]:
    """The address at which nginx serves the folder and OHIF."""
    require(["nginx"], HERE / "packages.txt")
    port = free_port()
    address = f"{LOOPBACK}:{port}"
    rules = REPOSITORY / "deploy" / "nginx" / "static-dicomweb.conf"
    server = SERVER.format(address=address, folder=exported, ohif=files.folder(), rules=rules)
    (exported / "maia.conf").write_text(server)
    (exported / "app-config.js").write_text(f"window.config = {json.dumps(configuration(f"http://{address}"))};")
    (exported / "nginx.conf").write_text(surroundings(exported))
    command = ["nginx", "-p", exported, "-c", exported / "nginx.conf", "-e", exported / "nginx.log"]
    with running(command, log=exported / "nginx.log", answers=lambda: accepts(port)):
        yield f"http://{address}"


def configuration(root: str) -> dict[str, object]:
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "export",
        "configuration": {
            "friendlyName": "Exported",
            "qidoRoot": root,
            "wadoRoot": root,
            "staticWado": True,
            "imageRendering": "wadors",
            "thumbnailRendering": "thumbnail",
            "thumbnailRequestStrategy": "fetch",
            "enableStudyLazyLoad": True,
        },
    }
    return {"extensions": [], "modes": [], "defaultDataSourceName": "export", "dataSources": [source]}


def test_a_series_and_its_segmentation(site: str, archive: Archive, browser: Browser) -> None:
    study, series = archive.studies.get(), archive.series.get(modality="SEG")
    wanted = f"StudyInstanceUIDs={study.study_instance_uid}&initialSeriesInstanceUID={series.series_instance_uid}"
    with opened(browser, site) as ohif:
        ohif.page.goto(f"/viewer/viewer/export?{wanted}")
        ohif.shows(lambda seen: seen["drawn"] > 10_000 and seen["coloured"] > 1000)
        assert ohif.asked_only(site)
