"""What others get to know of the cluster, and its two command lines."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kubernetes:
    server: str
    kubeconfig: Path
    commands: Path
    containerd: Path

    def kubectl(self, *arguments: str, manifest: Mapping[str, Any] | None = None) -> str:
        """What kubectl prints as the cluster's administrator; raises CalledProcessError when it refuses."""
        done = subprocess.run(
            [self.commands / "kubectl", *arguments],
            input=None if manifest is None else json.dumps(manifest),
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.kubeconfig.parent)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.strip()

    def read(self, *arguments: str) -> Any:
        """One object or list of the API, as `kubectl get` names it."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json"))

    def import_image(self, archive: Path) -> None:
        """Brings an image onto the node without a registry; its pods say `imagePullPolicy: Never`."""
        self.ctr("images", "import", str(archive))

    def ctr(self, *arguments: str) -> str:
        command = ["ctr", "--address", self.containerd, "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def __str__(self) -> str:
        return f"{self.server}; KUBECONFIG={self.kubeconfig} {self.commands}/kubectl get nodes"
