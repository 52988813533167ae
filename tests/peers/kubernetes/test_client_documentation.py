"""The commands of docs/administrators.md, run as they stand there, from a bare cluster to one that is registered."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.clusters.permissions import to_apply
from tests.documented import adapted, blocks
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.starting import output_of
from tests.portal import REPOSITORY

pytestmark = [pytest.mark.peers, pytest.mark.rights, pytest.mark.timeout(300)]


def commands(cluster: Kubernetes) -> str:
    """As documented, for this machine's cluster."""
    script = "\n".join(blocks(__file__))
    here = {
        "https://kubernetes.hospital.example:6443": cluster.server,
        ".venv/bin/python": sys.executable,
        " maia-": " $HOME/maia-",
        "-n $HOME/maia-system": "-n maia-system",
        "secret $HOME/maia-": "secret maia-",
    }
    return adapted(script, here)


@pytest.fixture
def shell(kubernetes: Kubernetes, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an administrator: a portal that has started once, and kubectl for the cluster."""
    own = {
        "PATH": f"{kubernetes.commands}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "KUBECONFIG": str(kubernetes.kubeconfig),
        "VAR_DIR": str(tmp_path / "var"),
        "SECRET_KEY": "only for this test",
    }
    (tmp_path / "var/tmp").mkdir(parents=True)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=REPOSITORY, env=own, check=True)
    yield own
    output_of([kubernetes.commands / "kubectl", "delete", "--ignore-not-found", "-f", "-"], to_apply(), own)


def test_the_documented_commands_register_a_cluster(kubernetes: Kubernetes, shell: dict[str, str]) -> None:
    script = ["bash", "-c", f"{commands(kubernetes)}\n{sys.executable} manage.py cluster list"]
    done = subprocess.run(script, cwd=REPOSITORY, env=shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Cluster stockholm-1 is registered." in done.stdout
    assert done.stdout.count("Reachable. Nothing is missing.") == 2
    assert done.stdout.endswith("stockholm-1: Reachable.\n")
    assert not list(Path(shell["HOME"]).glob("maia-*"))
