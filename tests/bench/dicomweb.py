"""STOW-RS, QIDO-RS, WADO-RS and bytes on disk of CT series of 300 × 512², ours and Orthanc's, both on loopback.

The two take turns, each repetition with series of its own; a figure is the median of the repetitions.
"""

import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from tests.bench import figures
from tests.bench.sides import Client, Side, multipart, orthanc_in, portal_in, seconds, side_of, side_of_orthanc
from tests.dicom import WrittenSeries, ct_series
from tests.portal import Portal
from tests.waiting import wait_until

SLICES, SIZE, BATCH, REPEAT = 300, 512, 50, 3
DICOM_JSON = "application/dicom+json"
FRAME, WHOLE = (f'multipart/related; type="application/{kind}"' for kind in ("octet-stream", "dicom"))
# Clients at once, instances in a request, and how much faster than Orthanc it is to be.
STORING = ((1, SLICES, 3), (1, BATCH, 3), (4, SLICES, 2), (4, BATCH, 2))
MOST_BYTES_FOR_EACH = 1.05
METADATA_TO_WRITE = "SELECT COUNT(*) FROM archives_series WHERE metadata_version <> metadata_file_version"
_seeds = count()


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="maia-bench-") as name,
        portal_in(Path(name)) as portal,
        orthanc_in(Path(name)) as orthanc,
    ):
        folder = Path(name)
        sides = [side_of(portal), *([side_of_orthanc(orthanc)] if orthanc else [])]
        _store_in_all(sides, new_series(folder, slices=10))  # so that all is started that starts
        for clients, batch, target in STORING:
            _measure_storing(folder, sides, clients, batch, target)
        read = new_series(folder)
        _store_in_all(sides, read)
        wait_until(lambda: portal.rows(METADATA_TO_WRITE) == [(0,)], 120)
        measure_reading(sides, read)
        _measure_disk(portal)


def new_series(folder: Path, *, slices: int = SLICES) -> WrittenSeries:
    """Another one than all before."""
    seed = f"bench {next(_seeds)}"
    return ct_series(folder / seed, slices=slices, rows=SIZE, columns=SIZE, seed=seed)


def store(side: Side, series: Sequence[WrittenSeries], *, clients: int = 1, batch: int = SLICES) -> float:
    """Instances a second, by so many clients at once that take requests in turn."""
    requests = [one.paths[start : start + batch] for one in series for start in range(0, len(one.paths), batch)]
    work = [_storing(multipart(paths)) for paths in requests]
    return sum(map(len, requests)) / seconds(side, work, clients=clients)


def _store_in_all(sides: Sequence[Side], series: WrittenSeries) -> None:
    for side in sides:
        store(side, [series])


def _measure_storing(folder: Path, sides: Sequence[Side], clients: int, batch: int, target: int) -> None:
    rates: list[list[float]] = []
    for _ in range(REPEAT):
        series = [new_series(folder) for _ in range(clients)]
        rates.append([store(side, series, clients=clients, batch=batch) for side in sides])
        for one in series:
            shutil.rmtree(one.directory)
    what = "one request" if batch == SLICES else f"batches of {batch}"
    name = f"STOW {SLICES} x {SIZE}x{SIZE} in {what}, {clients} client{'s' * (clients > 1)}"
    show(name, [statistics.median(side) for side in zip(*rates, strict=True)], "instances/s", target=target)


def _storing(body: bytes) -> Callable[[Client], None]:
    return lambda client: client.store(body, len(body))


def measure_reading(
    sides: Sequence[Side], series: WrittenSeries, *, prefix: str = "", has_targets: bool = True
) -> None:
    place = f"/studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
    for name, path, accept, repeat, target in (
        (f"QIDO {SLICES} instances", f"{place}/instances", DICOM_JSON, 20, 10),
        ("series metadata", f"{place}/metadata", DICOM_JSON, 10, 10),
        ("series as P10", place, WHOLE, 5, 2),
    ):
        taken = [_milliseconds(side, path, accept, repeat) for side in sides]
        show(prefix + name, taken, "ms", less_is_better=True, target=target if has_targets else None)
    frames = [_frame(place, uid) for uid in series.sop_instance_uids]
    for clients, name in ((1, "one by one"), (16, "from 16 clients at once")):
        rates = [len(frames) / seconds(side, frames, clients=clients) for side in sides]
        show(f"{prefix}frames {name}", rates, "frames/s", target=5 if has_targets else None)


def _frame(place: str, sop_instance_uid: str) -> Callable[[Client], bytes]:
    return lambda client: client.get(f"{place}/instances/{sop_instance_uid}/frames/1", FRAME)


def _milliseconds(side: Side, path: str, accept: str, repeat: int) -> float:
    """The median over one connection, after a first time that does not count."""
    taken: list[float] = []

    def read(client: Client) -> None:
        client.get(path, accept)
        taken.append(figures.median_seconds(lambda: client.get(path, accept), repeat))

    seconds(side, [read])
    return taken[0] * 1000


def _measure_disk(portal: Portal) -> None:
    ((sent,),) = portal.rows("SELECT SUM(size_bytes) FROM archives_instance")
    stored = _disk_bytes(portal.var / "archives")
    figures.show("bytes on disk for each byte of the images", stored / sent, "", target=MOST_BYTES_FOR_EACH)
    index = sum(_disk_bytes(path) for path in portal.var.glob("db.sqlite3*"))
    figures.show("the same with the whole database", (stored + index) / sent, "", target=MOST_BYTES_FOR_EACH)


def _disk_bytes(path: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in (path, *path.rglob("*")))


def show(
    name: str, values: Sequence[float], unit: str, *, less_is_better: bool = False, target: float | None = None
) -> None:
    """Ours, and Orthanc's where it is installed."""
    if len(values) == 1:
        figures.show(name, values[0], unit)
    else:
        figures.compare(name, values[0], "Orthanc", values[1], unit, less_is_better=less_is_better, target=target)


if __name__ == "__main__":
    main()
