"""The real servers as fixtures of their names, each started once for all tests that ask for it.

Collected only when asked for: `pytest -m peers` (as `make test-peers` does), or a path below tests/peers.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.browser.conftest import browser
from tests.peers import shared
from tests.peers.deployed import Deployed, Servers, running_deployed
from tests.peers.images import Podman
from tests.peers.keycloak import Keycloak
from tests.peers.kubernetes import Kubernetes, running_empty_kubernetes
from tests.peers.mail import Mail
from tests.peers.platform_images import pushed_images
from tests.peers.registry import Registry
from tests.peers.servers import SERVERS
from tests.peers.starting import hanging_server, throwaway_folder
from tests.peers.visits import FIGURES

__all__ = ["browser"]  # one for all modules: a second Chromium in a session does not start
HERE = Path(__file__).parent
SECONDS_WITH_START = 1200
# The machine has room for one cluster and one storage of images.
ON_CLUSTER = frozenset({"kubernetes", "second_kubernetes", "registry", "podman"})


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    named = any(Path(argument.partition("::")[0]).resolve().is_relative_to(HERE) for argument in config.args)
    return None if named or config.option.markexpr.startswith("peers") else True


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whichever test is the first to need a server waits for its start."""
    if not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(SECONDS_WITH_START))
    if ON_CLUSTER.intersection(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.cluster)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A portal that is deployed lives by its rights on the cluster until the session ends."""
    items.sort(key=lambda item: item.get_closest_marker("rights") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for figure in FIGURES:
        terminalreporter.write_line(figure)


def _started_once(name: str) -> Callable[[], Iterator[object]]:
    @pytest.fixture(scope="session", name=name)
    def server() -> Iterator[object]:
        if shared.is_wanted():
            yield shared.running(name)
            return
        with throwaway_folder() as folder, SERVERS[name](folder) as address:
            yield address

    return server


globals().update({f"{name}_server": _started_once(name) for name in SERVERS})


@pytest.fixture(scope="session")
def second_kubernetes() -> Iterator[Kubernetes]:
    """Another cluster than `kubernetes`, without nodes; this session's own, so that its API may be stopped."""
    with throwaway_folder() as folder, running_empty_kubernetes(folder) as cluster:
        yield cluster


@pytest.fixture(name="hanging_server")
def _hanging_server() -> Iterator[int]:
    """The port of a server that takes every connection and never answers."""
    with hanging_server() as port:
        yield port


@pytest.fixture(scope="session")
def platform_images(registry: Registry) -> Mapping[str, str]:
    """References by digest of the platform's images by name, in the registry."""
    return pushed_images(registry)


@pytest.fixture(scope="session")
def deployed(keycloak: Keycloak, kubernetes: Kubernetes, registry: Registry, mail: Mail) -> Iterator[Deployed]:
    """The portal on all of them, behind nginx."""
    servers = Servers(keycloak, kubernetes, registry, mail)
    with throwaway_folder() as folder, running_deployed(folder, servers) as portal:
        yield portal


@pytest.fixture
def podman() -> Iterator[Podman]:
    """Without an image yet."""
    with throwaway_folder() as folder:
        yield Podman(folder)
