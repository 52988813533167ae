"""STOW-RS, QIDO-RS, metadata and frames of one CT series of 300 × 512², ours and Orthanc's, both on loopback; then a
project's Orthanc by way of the portal, and asked itself.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.bench import figures
from tests.dicom import WrittenSeries, ct_series
from tests.peers.orthanc import PLUGIN, Orthanc, running_orthanc
from tests.portal import ADMINISTRATOR, running_portal

SLICES, SIZE, BATCH = 300, 512, 50
BOUNDARY = "bench-boundary"
CONNECT = (
    "from apps.archives.services import ensure_remote_archive as connect\n"
    "from apps.integrations.kubernetes.route import Route\n"
    "from apps.projects.models import Project\n"
    "project = Project.objects.get(namespace='sample')\n"
    "connect(project, route=Route('{orthanc.url}'), username='{orthanc.user}', password='{orthanc.password}')"
)
Session = tuple[str, requests.Session]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="maia-bench-") as name:
        folder = Path(name)
        series = [
            ct_series(folder / f"ct{number}", slices=SLICES, rows=SIZE, columns=SIZE, seed=f"bench {number}")
            for number in range(2)
        ]
        first = ct_series(folder / "first", slices=10, rows=SIZE, columns=SIZE, seed="first")
        with _ours(folder) as mine, _theirs(folder) as peer:
            for side in (mine, peer):
                if side:
                    _instances_a_second(side, first, 1)  # so that both have started all that they start
            _store(series, mine, peer)
            _read(series[0], mine, peer)
        if _has_orthanc():
            _over_orthanc(folder, series)


def _over_orthanc(folder: Path, series: list[WrittenSeries]) -> None:
    (folder / "remote").mkdir()
    with running_orthanc(folder / "remote") as orthanc, _ours(folder / "remote", orthanc) as mine:
        session = _session()
        session.auth = orthanc.credentials
        direct = (orthanc.dicomweb_url, session)
        rates = [_instances_a_second(side, one, BATCH) for side, one in zip((mine, direct), series, strict=True)]
        _print(f"over Orthanc: STOW {SLICES} in batches of {BATCH}", rates, "instances/s")
        for times in ("first", "again"):
            _read(series[0], mine, direct, prefix=f"over Orthanc, {times}: ")


@contextmanager
def _ours(folder: Path, orthanc: Orthanc | None = None) -> Iterator[Session]:
    with running_portal(folder / "var", WEB_PROCESSES="2", SWEEP_SECONDS="60") as portal:
        if orthanc:
            portal.manage("shell", "-c", CONNECT.format(orthanc=orthanc))
        session = _session()
        session.headers["Authorization"] = f"Bearer {portal.manage('api_token', ADMINISTRATOR)}"
        yield f"{portal.url}/projects/sample/dicomweb", session


@contextmanager
def _theirs(folder: Path) -> Iterator[Session | None]:
    if not _has_orthanc():
        print("bench: Orthanc is not installed (Debian packages orthanc, orthanc-dicomweb); figures are ours alone")
        yield None
        return
    (folder / "orthanc").mkdir()
    with running_orthanc(folder / "orthanc") as orthanc:
        session = _session()
        session.auth = orthanc.credentials
        yield orthanc.dicomweb_url, session


def _has_orthanc() -> bool:
    return shutil.which("Orthanc") is not None and PLUGIN.exists()


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"  # on loopback compression only costs
    return session


def _store(series: list[WrittenSeries], mine: Session, peer: Session | None) -> None:
    for name, written, size in (("one request", series[0], SLICES), (f"batches of {BATCH}", series[1], BATCH)):
        rates = [_instances_a_second(side, written, size) for side in (mine, peer) if side]
        _print(f"STOW {SLICES} x {SIZE}x{SIZE} in {name}", rates, "instances/s")


def _instances_a_second(side: Session, written: WrittenSeries, size: int) -> float:
    address, session = side
    bodies = [_multipart(written.paths[start : start + size]) for start in range(0, len(written.paths), size)]
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
        "Accept": "application/dicom+json",
    }
    started = time.perf_counter()
    for body in bodies:
        session.post(f"{address}/studies", data=body, headers=headers, timeout=300).raise_for_status()
    return len(written.paths) / (time.perf_counter() - started)


def _multipart(paths: tuple[Path, ...]) -> bytes:
    parts = [
        f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + path.read_bytes() + b"\r\n"
        for path in paths
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _read(written: WrittenSeries, mine: Session, peer: Session | None, *, prefix: str = "") -> None:
    study = f"/studies/{written.study_instance_uid}/series/{written.series_instance_uid}"
    asked = (
        (f"QIDO {SLICES} instances", f"{study}/instances", {"Accept": "application/dicom+json"}, 10),
        ("series metadata", f"{study}/metadata", {"Accept": "application/dicom+json"}, 5),
    )
    for name, path, headers, repeat in asked:
        seconds = [_seconds(side, path, headers, repeat) * 1000 for side in (mine, peer) if side]
        _print(prefix + name, seconds, "ms", less_is_better=True)
    rates = [_frames_a_second(side, study, written) for side in (mine, peer) if side]
    _print(f"{prefix}frames one by one", rates, "frames/s")


def _seconds(side: Session, path: str, headers: dict[str, str], repeat: int) -> float:
    address, session = side
    return figures.median_seconds(lambda: _get(session, address + path, headers), repeat)


def _frames_a_second(side: Session, study: str, written: WrittenSeries) -> float:
    address, session = side
    headers = {"Accept": 'multipart/related; type="application/octet-stream"'}
    uids = written.sop_instance_uids[:100]
    started = time.perf_counter()
    for sop_instance_uid in uids:
        _get(session, f"{address}{study}/instances/{sop_instance_uid}/frames/1", headers)
    return len(uids) / (time.perf_counter() - started)


def _get(session: requests.Session, address: str, headers: dict[str, str]) -> None:
    answer = session.get(address, headers=headers, timeout=120)
    answer.raise_for_status()
    assert answer.content


def _print(name: str, values: list[float], unit: str, *, less_is_better: bool = False) -> None:
    if len(values) == 1:
        figures.show(name, values[0], unit)
    else:
        figures.compare(name, values[0], "Orthanc", values[1], unit, less_is_better=less_is_better)


if __name__ == "__main__":
    main()
