"""What others get to know of the cluster, and its two command lines."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.starting import output_of


@dataclass(frozen=True)
class ApiServer:
    start: Callable[[], None]
    stop: Callable[[], None]


# Those that this process has started, by their address.
API_SERVERS: dict[str, ApiServer] = {}


class SharedWithOthers(Exception):
    """The cluster was started by another process, whose other users need it."""


@dataclass(frozen=True)
class Kubernetes:
    server: str
    kubeconfig: Path
    commands: Path
    containerd: Path

    def kubectl(self, *arguments: str, manifest: Mapping[str, Any] | None = None) -> str:
        """What kubectl prints as the cluster's administrator; raises CalledProcessError when it refuses."""
        own = {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.kubeconfig.parent)}
        sent = None if manifest is None else json.dumps(manifest)
        return output_of([self.commands / "kubectl", *arguments], sent, {**os.environ, **own}).strip()

    def read(self, *arguments: str) -> Any:
        """One object or list of the API, as `kubectl get` names it."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json"))

    def import_image(self, archive: Path) -> None:
        """Brings an image onto the node without a registry; its pods say `imagePullPolicy: Never`."""
        self.ctr("images", "import", str(archive))

    def ctr(self, *arguments: str) -> str:
        return output_of(["ctr", "--address", self.containerd, "--namespace", "k8s.io", *arguments])

    def stop_api(self) -> None:
        """Its port is closed from now on; nodes and pods live on. Raises SharedWithOthers."""
        self._api_server().stop()

    def start_api(self) -> None:
        """It answers again, with all that it knew. Raises SharedWithOthers."""
        self._api_server().start()

    def _api_server(self) -> ApiServer:
        if self.server not in API_SERVERS:
            raise SharedWithOthers(f"{self.server}: run this test without RUNNING_PEERS")
        return API_SERVERS[self.server]

    def __str__(self) -> str:
        return f"{self.server}; KUBECONFIG={self.kubeconfig} {self.commands}/kubectl get nodes"
