"""Memory of the web processes while 2 GiB are stored in one request, and while they are read again as one study."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.bench import figures
from tests.bench.dicomweb import SIZE, WHOLE, new_series
from tests.bench.sides import Client, end, head, portal_in, side_of
from tests.dicom import WrittenSeries
from tests.portal import Portal

TOTAL_BYTES, CHUNK_BYTES = 2 * 1024**3, 1024**2
MOST_MIB = 200


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="maia-bench-") as name, portal_in(Path(name)) as portal:
        series = new_series(Path(name), slices=1)
        body = _Body(series)
        with closing(Client(side_of(portal))) as client:
            client.store(body, len(body))
            show_memory(portal, f"while {body.count} x {SIZE}x{SIZE} are stored in one request")
            with client.open(f"/studies/{series.study_instance_uid}", WHOLE) as answer:
                read = sum(map(len, iter(lambda: answer.read(CHUNK_BYTES), b"")))
            assert read > TOTAL_BYTES
            show_memory(portal, "while they are read again")


class _Body:
    """One object under as many SOPInstanceUIDs as it takes; never in memory as a whole."""

    def __init__(self, series: WrittenSeries) -> None:
        self._uid = series.sop_instance_uids[0].encode()
        self._content = series.paths[0].read_bytes()
        self.count = TOTAL_BYTES // len(self._content) + 1

    def __len__(self) -> int:
        return self.count * len(self._part(0)) + len(end())

    def __iter__(self) -> Iterator[bytes]:
        yield from map(self._part, range(self.count))
        yield end()

    def _part(self, number: int) -> bytes:
        own = self._uid[:-6] + f"{number:06}".encode()
        return head() + self._content.replace(self._uid, own) + b"\r\n"


def show_memory(portal: Portal, when: str) -> None:
    """The most that each process had until now."""
    server = portal.processes()["web"]
    web = [_peak_mib(pid) for pid in _children(server)]
    readers = [_peak_mib(child) for pid in _children(server) for child in _children(pid)]
    figures.show(f"memory of the largest web process {when}", max(web), "MiB", target=MOST_MIB)
    figures.show(f"memory of all web processes and their readers {when}", sum([*web, *readers]), "MiB")


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _peak_mib(pid: int) -> float:
    """The largest resident set that the process has had (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
