"""Fetches the viewer from npm's registry, whichever npm is configured for: `python -m apps.viewer.fetching FOLDER`."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from whitenoise.compress import Compressor

from apps.viewer import release
from apps.viewer.mounting import ReleaseDiffers, mount

TIMEOUT_SECONDS = 900
LICENCE = "LICENSE"
# Models that run in the browser would come from another host; source maps double the size; and the service worker
# is loaded from another host.
LEFT_OUT = ("ort/*", "*.map", "sw.js")


class FetchFailed(Exception):
    """There is no viewer now; the message says why, and what helps."""


def fetch(folder: Path) -> Path:
    """The folder of the release, made below `folder` unless it is there. Raises FetchFailed; then nothing is there."""
    target = release.folder_in(folder)
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as scratch:
        unpacked = Path(scratch, "unpacked")
        _unpack(_verified(_packed(Path(scratch))), unpacked)
        try:
            mount(unpacked)
        except ReleaseDiffers as difference:
            raise FetchFailed(f"This is not the build of OHIF that is known: {difference}.") from difference
        _compress(unpacked)
        os.sync()
        unpacked.rename(target)
    return target


def _packed(folder: Path) -> Path:
    """The package as npm fetched it."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchFailed("npm is needed: on Debian, apt-get install npm.")
    name = f"{release.PACKAGE}@{release.VERSION}"
    command = [npm, "pack", name, "--ignore-scripts", "--loglevel=error", "--pack-destination", str(folder)]
    try:
        subprocess.run(command, check=True, timeout=TIMEOUT_SECONDS, stdout=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise FetchFailed(f"npm could not fetch {name}: see above, and what `npm config get registry` says.") from error
    [package] = folder.glob("*.tgz")
    return package


def _verified(package: Path) -> Path:
    with package.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != release.INTEGRITY:
        raise FetchFailed(f"{package.name} is not the package that is known: its hash is another.")
    return package


def _unpack(package: Path, folder: Path) -> None:
    """Writes the build, and its licence beside it. What is in the package is known by its hash."""
    with tarfile.open(package) as archive:
        for member in archive:
            name = _name_of(member)
            content = archive.extractfile(member)
            if name and content:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def _name_of(member: tarfile.TarInfo) -> str:
    """Where the file lies in the folder of the release; empty when it has no place there."""
    path = PurePosixPath(member.name).relative_to("package")
    if path == PurePosixPath(LICENCE):
        return LICENCE
    name = str(path.relative_to("dist")) if path.is_relative_to("dist") else ""
    return "" if any(fnmatch(name, pattern) for pattern in LEFT_OUT) else name


def _compress(folder: Path) -> None:
    """Lays a .gz beside each file that gets smaller by it."""
    compressor = Compressor(use_brotli=False, quiet=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and compressor.should_compress(path.name):
            compressor.compress(str(path))


if __name__ == "__main__":
    try:
        sys.stdout.write(f"The viewer is in {fetch(Path(sys.argv[1]))}\n")
    except FetchFailed as failure:
        raise SystemExit(str(failure)) from failure
