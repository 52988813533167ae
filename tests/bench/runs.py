"""From the launch of a run to its algorithm's start, and to its result in the archive: what the portal adds."""

import tempfile
import time
from pathlib import Path

import requests

from tests.bench import figures
from tests.portal import ADMINISTRATOR, Portal, running_portal

REPEAT = 3
FINAL = {"succeeded", "failed", "cancelled"}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="maia-bench-") as name, running_portal(Path(name) / "var") as portal:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {portal.manage('api_token', ADMINISTRATOR)}"
        measured = [_measure(portal, session) for _ in range(REPEAT)]
    for position, what in enumerate(("launch to start", "launch to result")):
        figures.show(f"run of the head CT, {what}", sorted(times[position] for times in measured)[REPEAT // 2], "s")


def _measure(portal: Portal, session: requests.Session) -> tuple[float, float]:
    """Seconds until the run is seen running, and until it has succeeded, looked at every 20 ms."""
    series = portal.rows("SELECT series_instance_uid FROM archives_series ORDER BY instance_count DESC LIMIT 1")[0][0]
    launched = time.perf_counter()
    runs = f"{portal.url}/api/v1/projects/sample/runs/"
    answer = session.post(runs, json={"algorithm": "threshold-segmentation", "series": [series]}, timeout=30)
    answer.raise_for_status()
    run, started = answer.json(), None
    while run["state"] not in FINAL:
        time.sleep(0.02)
        run = session.get(f"{runs}{run['id']}/", timeout=30).json()
        if started is None and run["state"] not in ("queued", "staging", "starting"):
            started = time.perf_counter()
    assert run["state"] == "succeeded", run
    assert started is not None
    return started - launched, time.perf_counter() - launched


if __name__ == "__main__":
    main()
