"""C-STORE in of one CT series of 300 × 512², by DCMTK's storescu over one association and over four at once: ours and
Orthanc's, both on loopback."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import figures
from tests.dicom import ct_series
from tests.peers.orthanc import PLUGIN, running_orthanc
from tests.portal import Portal, free_port, running_portal
from tests.waiting import wait_until

SLICES, SIZE = 300, 512
DCMTK = "/usr/bin/storescu"  # Python's environment has a command of that name too
TITLES = ["-aet", "BENCH", "-aec"]


def main() -> None:
    if not Path(DCMTK).exists() or shutil.which("Orthanc") is None or not PLUGIN.exists():
        print("bench: C-STORE needs the Debian packages dcmtk, orthanc and orthanc-dicomweb")
        return
    with tempfile.TemporaryDirectory(prefix="maia-bench-") as name:
        folder, port = Path(name), free_port()
        written = [
            ct_series(folder / f"ct{number}", slices=SLICES, rows=SIZE, columns=SIZE, seed=f"dimse {number}").paths
            for number in range(2)
        ]
        first = ct_series(folder / "first", slices=10, rows=SIZE, columns=SIZE, seed="first").paths
        (folder / "orthanc").mkdir()
        with (
            running_portal(folder / "var", DIMSE_PORT=str(port), SWEEP_SECONDS="60") as portal,
            running_orthanc(folder / "orthanc") as orthanc,
        ):
            _let_in(portal, port)
            sides = (("SAMPLE", port), (orthanc.ae_title, orthanc.dicom_port))
            for side in sides:
                _instances_a_second(side, first, 1)  # so that both have started all that they start
            for paths, associations in zip(written, (1, 4), strict=True):
                ours, theirs = (_instances_a_second(side, paths, associations) for side in sides)
                figure = f"C-STORE {SLICES} x {SIZE}x{SIZE}, {associations} association{'s' * (associations > 1)}"
                figures.compare(figure, ours, "Orthanc", theirs, "instances/s")


def _let_in(portal: Portal, port: int) -> None:
    portal.manage("dicom_devices", "sample", "--allow", "BENCH=127.0.0.1")
    echo = ["/usr/bin/echoscu", *TITLES, "SAMPLE", "127.0.0.1", str(port)]
    wait_until(lambda: subprocess.run(echo, capture_output=True, check=False).returncode == 0, 30)


def _instances_a_second(side: tuple[str, int], paths: Sequence[Path], associations: int) -> float:
    title, port = side
    started = time.perf_counter()
    senders = [
        subprocess.Popen([DCMTK, *TITLES, title, "127.0.0.1", str(port), *map(str, paths[number::associations])])
        for number in range(associations)
    ]
    assert [sender.wait() for sender in senders] == [0] * associations
    return len(paths) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
