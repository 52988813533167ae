"""Debian's nginx on loopback with the configuration that is shipped in deploy/nginx."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.starting import LOOPBACK, accepts, require, running
from tests.portal import REPOSITORY, free_port

HERE = Path(__file__).parent
TEMPLATE = REPOSITORY / "deploy" / "nginx" / "maia.conf.template"
# A cookie knows hosts, not ports.
WORKSPACES_NAME = "localhost"


@dataclass(frozen=True)
class Nginx:
    port: int

    @property
    def url(self) -> str:
        """Where people find the portal: its PUBLIC_URL."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def workspaces_url(self) -> str:
        return f"http://{WORKSPACES_NAME}:{self.port}"

    def __str__(self) -> str:
        return f"{self.url}, workspaces {self.workspaces_url}"


@contextmanager
def running_nginx(folder: Path, portal: str, port: int | None = None) -> Iterator[Nginx]:
    """In front of a portal that listens, or will listen, on `portal` (HOST:PORT)."""
    address = Nginx(port or free_port())
    (folder / "maia.conf").write_text(_filled_in(address, portal, folder))
    with running_site(folder, address.port):
        yield address


@contextmanager
def running_site(folder: Path, port: int) -> Iterator[str]:
    """What `folder`/maia.conf makes of it, which listens on that port of loopback; its address."""
    require(["nginx"], HERE / "packages.txt")
    (folder / "nginx.conf").write_text(surroundings(folder))
    command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "nginx.log"]
    with running(command, log=folder / "nginx.log", answers=lambda: accepts(port)):
        yield f"http://{LOOPBACK}:{port}"


def _filled_in(address: Nginx, portal: str, logs: Path) -> str:
    values = {
        "LISTEN": f"{LOOPBACK}:{address.port}",
        "PORTAL": portal,
        "PORTAL_URL": address.url,
        "PORTAL_NAME": LOOPBACK,
        "WORKSPACES_NAME": WORKSPACES_NAME,
        "LOGS": str(logs),
    }
    return re.sub(r"\$\{([A-Z_]+)\}", lambda found: values[found[1]], TEMPLATE.read_text())


def surroundings(folder: Path) -> str:
    """What Debian's own nginx.conf gives, in the folder."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return f"""
daemon off;
user www-data;
pid {folder}/nginx.pid;
events {{}}
http {{
{temporary}
include {folder}/maia.conf;
}}
"""
