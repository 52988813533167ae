"""OHIF served by nginx alone, before images that the portal has no part in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.ohif import RELEASE, opened
from tests.peers.nginx import HERE, surroundings
from tests.peers.starting import LOOPBACK, accepts, require, running
from tests.portal import free_port

if TYPE_CHECKING:
    # The bench takes the server from here, without Django.
    from playwright.sync_api import Browser

    from apps.archives.models import Archive

PAGE = "/viewer/viewer/archive"
SERVER = """
types {{ text/html html; text/javascript js; text/css css; application/wasm wasm; application/json json; }}
server {{
    listen {address};
    location = /viewer/app-config.js {{ alias {folder}/app-config.js; }}
    location ^~ /viewer/ {{ alias {ohif}/; gzip_static on; try_files $uri /viewer/index.html; }}
    {directives}
}}
"""


@contextmanager
def ohif_site(folder: Path, directives: str, *, root: str = "", is_static: bool = False) -> Iterator[str]:
    """The address of a server with these further nginx directives. OHIF asks for images below `root` there."""
    require(["nginx"], HERE / "packages.txt")
    port = free_port()
    address = f"{LOOPBACK}:{port}"
    server = SERVER.format(address=address, folder=folder, ohif=RELEASE, directives=directives)
    (folder / "maia.conf").write_text(server)
    configuration = json.dumps(_configuration(f"http://{address}{root}", is_static))
    (folder / "app-config.js").write_text(f"window.config = {configuration};")
    (folder / "app-config.js").chmod(0o644)  # nginx reads as a user of its own
    (folder / "nginx.conf").write_text(surroundings(folder))
    command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "nginx.log"]
    with running(command, log=folder / "nginx.log", answers=lambda: accepts(port)):
        yield f"http://{address}"


def _configuration(root: str, is_static: bool) -> dict[str, object]:
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "archive",
        "configuration": {
            "friendlyName": "Archive",
            "qidoRoot": root,
            "wadoRoot": root,
            "staticWado": is_static,
            "imageRendering": "wadors",
            "thumbnailRendering": "thumbnail",
            "thumbnailRequestStrategy": "fetch",
            "enableStudyLazyLoad": True,
        },
    }
    return {"extensions": [], "modes": [], "defaultDataSourceName": "archive", "dataSources": [source]}


def expect_segmentation(browser: Browser, site: str, archive: Archive) -> None:
    """OHIF at this address draws the archive's segmentation over its images, and asks nobody else."""
    series = archive.series.select_related("study").get(modality="SEG")
    uids = series.study.study_instance_uid, series.series_instance_uid
    with opened(browser, site) as ohif:
        ohif.page.goto(f"{PAGE}?StudyInstanceUIDs={uids[0]}&initialSeriesInstanceUID={uids[1]}")
        ohif.shows(lambda seen: seen["drawn"] > 10_000 and seen["coloured"] > 1000)
        assert ohif.asked_only(site)
