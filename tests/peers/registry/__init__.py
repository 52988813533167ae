"""An OCI registry (distribution) on loopback, without TLS or password."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.peers.starting import LOOPBACK, running
from tests.peers.tools import go_tools
from tests.portal import free_port

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Registry:
    port: int

    @property
    def host(self) -> str:
        """The first part of an image's name; podman needs `--tls-verify=false`, containerd takes loopback as it is."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __str__(self) -> str:
        return f"{self.url}; podman push --tls-verify=false IMAGE {self.host}/IMAGE"


@contextmanager
def running_registry(folder: Path) -> Iterator[Registry]:
    """An empty registry that also deletes."""
    address = Registry(free_port())
    configuration = folder / "config.yml"
    configuration.write_text(json.dumps(_configuration(folder, address)))
    command = [built_command() / "registry", "serve", configuration]
    with running(command, log=folder / "registry.log", answers=lambda: _answers(address)):
        yield address


def built_command() -> Path:
    """The folder with the command `registry`."""
    return go_tools(HERE)


def _configuration(folder: Path, address: Registry) -> dict[str, object]:
    """https://distribution.github.io/distribution/about/configuration/ (JSON is YAML)"""
    storage = {"filesystem": {"rootdirectory": str(folder / "blobs")}, "delete": {"enabled": True}}
    return {"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": {"addr": address.host}}


def _answers(address: Registry) -> bool:
    try:
        return requests.get(f"{address.url}/v2/", timeout=2).ok
    except requests.RequestException:
        return False
