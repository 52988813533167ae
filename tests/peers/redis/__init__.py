"""Debian's Redis on loopback, in memory alone."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis as Client
from redis.exceptions import ConnectionError as Unreachable

from tests.peers.starting import LOOPBACK, require, running
from tests.portal import free_port

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Redis:
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def __str__(self) -> str:
        return self.url


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    """An empty Redis that asks for its password."""
    require(["redis-server"], HERE / "packages.txt")
    address = Redis(free_port(), secrets.token_urlsafe(16))
    configuration = folder / "redis.conf"
    lines = [f"bind {LOOPBACK}", f"port {address.port}", f"requirepass {address.password}", f"dir {folder}", 'save ""']
    configuration.write_text("\n".join(lines))
    with running(["redis-server", configuration], log=folder / "redis.log", answers=lambda: _answers(address)):
        yield address


def _answers(address: Redis) -> bool:
    with Client.from_url(address.url, socket_timeout=2) as client:
        try:
            return bool(client.ping())
        except Unreachable:
            return False
