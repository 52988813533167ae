"""The algorithms of these tests, all in one image: `<in> <out> <SeriesInstanceUID> --program=NAME`."""

import os
import signal
import socket
import sys
import time
from pathlib import Path


def greets() -> None:
    print("PROGRESS 0.50 Häuser\n" * 10_000, end="")


def fails() -> None:
    sys.exit(3)


def waits() -> None:
    print("awake", flush=True)
    time.sleep(600)


def dawdles() -> None:
    print("PROGRESS 0.10 awake", flush=True)
    time.sleep(12)


def hoards() -> None:
    hoard = bytearray(400 * 2**20)
    hoard[::4096] = b"x" * len(hoard[::4096])
    time.sleep(600)


def ignores_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    waits()


def bombs() -> None:
    """Forks for as long as it lives, and says once how far it came."""
    children, has_said = 0, False
    while True:
        try:
            if os.fork() == 0:
                time.sleep(600)
            children += 1
        except OSError as error:
            if not has_said:
                print(f"{children} children, then {error.strerror}", flush=True)
            has_said = True


def fills() -> None:
    """Writes more than it may into its output folder, and no more than the machine of these tests can bear."""
    Path(sys.argv[2], "big").write_bytes(b"x" * 256 * 2**20)
    time.sleep(600)


def chatters() -> None:
    line = b"x" * 1023 + b"\n"
    while True:
        os.write(1, line * 64)


def impersonates() -> None:
    """Gives an image of the input to another patient."""
    import pydicom

    dataset = pydicom.dcmread(next(Path(sys.argv[1]).rglob("*.dcm")))
    dataset.PatientID = "somebody else"
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = (pydicom.uid.generate_uid() for _ in range(2))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(Path(sys.argv[2], "image.dcm"))


def trespasses() -> None:
    """Tries what it must not be able to do, and says what it could."""
    done = []
    for path in ("/etc/x", "/in/x", "/x", "/request", "/archive", "/var/run/secrets"):
        try:
            if path.endswith("x"):
                Path(path).write_text("x")
            else:
                next(Path(path).iterdir())
        except (OSError, StopIteration):
            continue
        done.append(path)
    secrets = [name for name in os.environ if "PASS" in name or "TOKEN" in name or "SECRET" in name]
    try:
        socket.create_connection(("orthanc", 8042), 3).close()
        can_connect = True
    except OSError:
        can_connect = False
    print(f"done {done} secrets {secrets} root {os.getuid() == 0} archive {can_connect}", flush=True)


if __name__ == "__main__":
    programs = [option.removeprefix("--program=") for option in sys.argv[1:] if option.startswith("--program=")]
    globals()[programs[0]]()
