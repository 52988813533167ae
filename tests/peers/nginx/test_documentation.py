"""The commands of docs/administrators.md that put nginx before the portal, run as they stand there."""

import subprocess
from pathlib import Path

import pytest

from tests.documented import adapted, blocks
from tests.peers.nginx import surroundings
from tests.portal import REPOSITORY, free_port

pytestmark = pytest.mark.peers


def commands(folder: Path) -> str:
    """As documented, with this machine's folder and without a certificate."""
    (script,) = blocks(__file__)
    here = {
        "443 ssl": f"127.0.0.1:{free_port()}",
        "/var/log/nginx": str(folder),
        "/etc/nginx/conf.d": str(folder),
        "nginx -t": f"nginx -t -p {folder} -c {folder}/nginx.conf -e {folder}/nginx.log",
    }
    return adapted(script, here)


def test_the_documented_commands_make_a_configuration_that_nginx_takes(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(surroundings(tmp_path))
    script = commands(tmp_path)
    done = subprocess.run(["bash", "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr
    assert "server_name workspaces.hospital.example;" in (tmp_path / "maia.conf").read_text()
