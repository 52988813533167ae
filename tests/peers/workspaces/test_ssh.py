"""Into one's workspace by SSH, and through it to Orthanc Explorer, by the commands that pages show."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apps.accounts.models import SshKey, User
from apps.clusters.models import Cluster
from apps.projects.access import enter
from apps.projects.models import Project
from apps.workspaces import pages
from apps.workspaces.models import NodePort, OrthancAccess
from apps.workspaces.services import show_explorer_password
from apps.workspaces.wishes import EXPLORER_USER
from tests.peers.kubernetes.configuration import NODE_IP
from tests.peers.steps import by_ssh, lax, make_key
from tests.peers.workspaces.test_project import set_up, status_of, sweep
from tests.waiting import wait_until

pytestmark = pytest.mark.peers


@pytest.fixture
def way(project: Project, alice: User, tmp_path: Path) -> tuple[str, Path]:
    """The command that leads into alice's workspace, and her key, which is listed at her account."""
    key = make_key(tmp_path)
    Cluster.objects.update(ssh_host=NODE_IP)
    set_up(project)
    public_key = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    SshKey.objects.create(user=alice, name="laptop", public_key=public_key, fingerprint="SHA256:test")
    sweep(project)
    command = f"ssh -p {NodePort.objects.get(workspace__user=alice).number} maia@{NODE_IP}"
    # The kubelet brings a changed ConfigMap to a running pod when it next looks at it.
    wait_until(lambda: by_ssh(command, key, "id -un").stdout == "maia\n", 180)
    sweep(project)
    return command, key


def test_orthanc_explorer_opens_through_the_shown_tunnel(project: Project, alice: User, way: tuple[str, Path]) -> None:
    shown = pages.explorer(enter(alice, project.namespace))
    address, password = shown["explorer_url"], show_explorer_password(project, by=alice).explorer_password
    with tunnel(shown["tunnel"], way[1]):
        wait_until(lambda: status_of(address, EXPLORER_USER, password) == 200, 30)
        assert status_of(address) == 401
        assert status_of(address, EXPLORER_USER, "guessed") == 401
    assert status_of(address, EXPLORER_USER, password) == 0


def test_programs_on_the_desktop_reach_orthanc_at_the_shown_address(
    project: Project, alice: User, way: tuple[str, Path]
) -> None:
    studies = f"{pages.explorer(enter(alice, project.namespace))['orthanc_url']}/dicom-web/studies"
    user = f"{EXPLORER_USER}:{OrthancAccess.objects.get(project=project).explorer_password}"
    asked = f"curl --silent --output /dev/null --write-out '%{{http_code}}' {studies}"
    assert by_ssh(*way, f"{asked} --user {user}").stdout == "200"
    assert by_ssh(*way, asked).stdout == "401"


@contextmanager
def tunnel(command: str, key: Path) -> Iterator[None]:
    """What the page's command does, with this key."""
    program, *words = command.split()
    process = subprocess.Popen([program, *lax(key), "-o", "ExitOnForwardFailure=yes", *words])
    try:
        yield
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(timeout=10)
