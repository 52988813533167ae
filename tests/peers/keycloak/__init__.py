"""Keycloak on loopback with only its master realm, in memory; fetched once by Maven as pom.xml pins it."""

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.peers.starting import LOOPBACK, require, running
from tests.peers.tools import made_once
from tests.portal import free_port

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Keycloak:
    port: int
    administrator: str
    password: str

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def issuer(self, realm: str) -> str:
        return f"{self.url}/realms/{realm}"

    def __str__(self) -> str:
        return f"{self.url} as {self.administrator}, password {self.password}"


@contextmanager
def running_keycloak(folder: Path) -> Iterator[Keycloak]:
    """A server whose temporary administrator may do everything, over the Admin REST API too."""
    require(["mvn", "java"], HERE / "packages.txt")
    home = _home(folder, fetched_keycloak())
    address = Keycloak(free_port(), "admin", secrets.token_urlsafe(16))
    served = [f"--http-host={LOOPBACK}", f"--http-port={address.port}", f"--hostname={address.url}"]
    with running(
        [home / "bin/kc.sh", "start", "--optimized", "--http-enabled=true", "--cache=local", *served],
        log=folder / "keycloak.log",
        answers=lambda: _answers(address),
        timeout_seconds=180,
        environment={
            "KC_BOOTSTRAP_ADMIN_USERNAME": address.administrator,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": address.password,
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
        },
    ):
        yield address


def fetched_keycloak() -> Path:
    """Its folder `home` as Maven brought it, optimized for quick starts."""
    return made_once("keycloak", [HERE / "pom.xml"], _fetch)


def _fetch(folder: Path) -> None:
    print("Fetching Keycloak, once", flush=True)
    subprocess.run(["mvn", "-B", "-q", "-f", HERE / "pom.xml", "package", f"-Dfolder={folder}"], check=True)
    (unpacked,) = folder.glob("keycloak-*")
    unpacked.rename(folder / "home")
    # https://www.keycloak.org/server/configuration: built once, which saves each start half of its time.
    build = [folder / "home/bin/kc.sh", "build", "--db=dev-mem"]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)


def _home(folder: Path, fetched: Path) -> Path:
    """A home of its own to write into, whose large parts are those of the fetched one."""
    home = folder / "home"
    shutil.copytree(fetched / "home/bin", home / "bin")
    for part in ("conf", "lib", "providers", "themes"):
        (home / part).symlink_to(fetched / "home" / part)
    return home


def _answers(address: Keycloak) -> bool:
    try:
        return requests.get(f"{address.issuer('master')}/.well-known/openid-configuration", timeout=5).ok
    except requests.RequestException:
        return False
