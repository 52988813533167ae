"""An S3 server (s3s-fs) on loopback over a folder; built once by cargo, as crate.txt pins it."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.starting import LOOPBACK, accepts, require, running
from tests.peers.tools import made_once
from tests.portal import free_port

HERE = Path(__file__).parent
PIN = HERE / "crate.txt"


@dataclass(frozen=True)
class S3:
    port: int
    access_key: str
    secret_key: str
    folder: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def make_bucket(self, name: str) -> str:
        """A folder in its folder is a bucket."""
        (self.folder / name).mkdir()
        return name

    def __str__(self) -> str:
        return f"{self.url}, access key {self.access_key}, secret key {self.secret_key}"


@contextmanager
def running_s3(folder: Path) -> Iterator[S3]:
    """Without a bucket. It keeps objects in folders, so a key cannot be the beginning of another's path."""
    (folder / "buckets").mkdir()
    address = S3(free_port(), "maia", secrets.token_urlsafe(16), folder / "buckets")
    keys = ["--access-key", address.access_key, "--secret-key", address.secret_key]
    with _running(address.folder, address.port, keys, folder / "s3.log"):
        yield address


@contextmanager
def open_to_all(s3: S3) -> Iterator[str]:
    """The address of another server of the same buckets that asks nobody for credentials."""
    port = free_port()
    with _running(s3.folder, port, [], s3.folder.parent / f"open-{port}.log"):
        yield f"http://{LOOPBACK}:{port}"


def _running(buckets: Path, port: int, keys: list[str], log: Path) -> AbstractContextManager[object]:
    command = [built_command() / "bin" / "s3s-fs", "--host", LOOPBACK, "--port", str(port), *keys]
    return running([*command, buckets], log=log, answers=lambda: accepts(port))


def built_command() -> Path:
    """The folder with bin/s3s-fs."""
    return made_once("s3", [PIN], _build)


def _build(folder: Path) -> None:
    require(["cargo"], HERE / "packages.txt")
    crate, version = PIN.read_text().split()
    print(f"Building {crate}, once", flush=True)
    command = ["cargo", "install", "--quiet", "--locked", f"{crate}@{version}", "--features", "binary"]
    subprocess.run([*command, "--root", folder], check=True)
