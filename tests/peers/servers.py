"""Every server by its name, in the order in which people's addresses are printed."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from tests.peers.keycloak import running_keycloak
from tests.peers.kubernetes import running_kubernetes
from tests.peers.mail import running_mail
from tests.peers.orthanc import running_orthanc
from tests.peers.postgresql import running_postgresql
from tests.peers.redis import running_redis
from tests.peers.registry import running_registry

SERVERS: Mapping[str, Callable[[Path], AbstractContextManager[object]]] = {
    "postgresql": running_postgresql,
    "redis": running_redis,
    "mail": running_mail,
    "orthanc": running_orthanc,
    "keycloak": running_keycloak,
    "registry": running_registry,
    "kubernetes": running_kubernetes,
}
