"""An S3 server (s3s-fs) on loopback over a folder; built once by cargo, as crate.txt pins it."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
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
    command = [built_command() / "bin" / "s3s-fs", "--host", LOOPBACK, "--port", str(address.port), *keys]
    with running([*command, address.folder], log=folder / "s3.log", answers=lambda: accepts(address.port)):
        yield address


def built_command() -> Path:
    """The folder with bin/s3s-fs."""
    return made_once("s3", [PIN], _build)


def _build(folder: Path) -> None:
    require(["cargo"], HERE / "packages.txt")
    crate, version = PIN.read_text().split()
    print(f"Building {crate}, once", flush=True)
    command = ["cargo", "install", "--quiet", "--locked", f"{crate}@{version}", "--features", "binary"]
    subprocess.run([*command, "--root", folder], check=True)
