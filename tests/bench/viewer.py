"""From the address of a study to its first image in OHIF, with an empty browser cache: ours, and OHIF on an Orthanc."""

import base64
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, sync_playwright

from tests.bench import figures
from tests.browser.ohif import opened
from tests.browser.steps import sign_in_as_administrator
from tests.dicom import WrittenSeries, ct_series
from tests.peers.nginx.ohif import PAGE, ohif_site
from tests.peers.orthanc import running_orthanc
from tests.peers.starting import throwaway_folder
from tests.portal import running_portal

SLICES, SIZE, REPEAT = 300, 512, 5
IMPORT = """
from pathlib import Path
from apps.accounts.models import User
from apps.archives.models import Archive
from apps.datasets.uploads.services import import_files
archive = Archive.objects.get(project__namespace="sample", is_default=True)
import_files(archive, sorted(Path("{folder}").glob("*.dcm")), by=User.objects.first())
"""


@dataclass(frozen=True)
class Side:
    """Where OHIF shows the series, and how a browser gets in."""

    origin: str
    page: str
    options: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    with throwaway_folder() as folder, sync_playwright() as playwright:
        series = ct_series(folder / "ct", slices=SLICES, rows=SIZE, columns=SIZE, seed="bench")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with _ours(folder, browser, series) as mine, _orthancs(folder, series) as theirs:
            taken = [[_seconds(browser, side, series) for side in (mine, theirs)] for _ in range(REPEAT)]
        browser.close()
    ours, their = (statistics.median(times) for times in zip(*taken, strict=True))
    name = f"OHIF to the first image of {SLICES} x {SIZE}x{SIZE}"
    figures.compare(name, ours, "Orthanc", their, "s", less_is_better=True, target=1)


@contextmanager
def _ours(folder: Path, browser: Browser, series: WrittenSeries) -> Iterator[Side]:
    with running_portal(folder / "var", WEB_PROCESSES="2", SWEEP_SECONDS="60") as portal:
        portal.manage("shell", "-c", IMPORT.format(folder=series.directory))
        context = browser.new_context(base_url=portal.url)
        sign_in_as_administrator(portal, context.new_page())
        yield Side(portal.url, "/viewer/viewer/sample", {"storage_state": context.storage_state()})


@contextmanager
def _orthancs(folder: Path, series: WrittenSeries) -> Iterator[Side]:
    with running_orthanc(folder) as orthanc:
        for path in series.paths:
            answer = requests.post(f"{orthanc.url}/instances", path.read_bytes(), auth=orthanc.credentials, timeout=60)
            answer.raise_for_status()
        key = base64.b64encode(":".join(orthanc.credentials).encode()).decode()
        passed_on = (
            f'proxy_pass {orthanc.url}; proxy_set_header Host $http_host; proxy_set_header Authorization "Basic {key}";'
        )
        with ohif_site(folder, f"location /dicom-web/ {{ {passed_on} }}", root="/dicom-web") as origin:
            yield Side(origin, PAGE)


def _seconds(browser: Browser, side: Side, series: WrittenSeries) -> float:
    with opened(browser, side.origin, **side.options) as ohif:
        started = time.perf_counter()
        ohif.page.goto(f"{side.page}?StudyInstanceUIDs={series.study_instance_uid}", wait_until="commit")
        ohif.shows(lambda seen: seen["drawn"] > 1000)
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
