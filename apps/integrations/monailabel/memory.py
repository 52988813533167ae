"""The twin of a MONAI Label server for tests."""

from collections.abc import Callable

from apps.integrations.kubernetes.route import Route
from apps.integrations.monailabel.port import ModelServerUnreachable, ServerInfo


class MemoryMonaiLabel:
    """The servers of a test by address; all others do not answer."""

    def __init__(self, servers: dict[str, ServerInfo], address: str) -> None:
        self._servers = servers
        self._address = address

    def info(self) -> ServerInfo:
        if self._address not in self._servers:
            raise ModelServerUnreachable("The server does not answer.")
        return self._servers[self._address]


def at(servers: dict[str, ServerInfo]) -> Callable[[Route], MemoryMonaiLabel]:
    """What stands for the class of the client: makes the twin at the end of a route."""
    return lambda route: MemoryMonaiLabel(servers, route.address)
