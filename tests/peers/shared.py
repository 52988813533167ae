"""Servers that `make peers` keeps running, for tests that are told to use them: `RUNNING_PEERS=1 pytest …`."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from tests.peers.keycloak import Keycloak
from tests.peers.kubernetes import Kubernetes
from tests.peers.mail import Mail
from tests.peers.orthanc import Orthanc
from tests.peers.postgresql import Postgresql
from tests.peers.redis import Redis
from tests.peers.registry import Registry
from tests.portal import REPOSITORY

ADDRESSES = REPOSITORY / "build" / "peers.json"
KINDS: Mapping[str, type[Any]] = {
    "postgresql": Postgresql,
    "redis": Redis,
    "mail": Mail,
    "orthanc": Orthanc,
    "keycloak": Keycloak,
    "registry": Registry,
    "kubernetes": Kubernetes,
}


@contextmanager
def announced(servers: Mapping[str, Any]) -> Iterator[None]:
    """Other processes find the servers until the block ends; only the same user reads their passwords."""
    ADDRESSES.parent.mkdir(exist_ok=True)
    ADDRESSES.unlink(missing_ok=True)
    text = json.dumps({name: asdict(server) for name, server in servers.items()}, default=str)
    with os.fdopen(os.open(ADDRESSES, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        yield
    finally:
        ADDRESSES.unlink(missing_ok=True)


def is_wanted() -> bool:
    return bool(os.environ.get("RUNNING_PEERS"))


def running(name: str) -> Any:
    """The address of a server that runs already, without what only the process that started it may change.

    Raises FileNotFoundError and KeyError when none does.
    """
    values = json.loads(ADDRESSES.read_text())[name]
    kind = KINDS[name]
    told = [field for field in fields(kind) if field.default_factory is MISSING]
    return kind(
        **{field.name: Path(values[field.name]) if field.type is Path else values[field.name] for field in told}
    )
