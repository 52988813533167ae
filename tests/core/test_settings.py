"""What loading the settings does for the process."""

import subprocess
import sys
from pathlib import Path

import pytest

from maia_dashboard.environment import SettingInvalid, read
from tests.portal import REPOSITORY, environment

SCRIPT = """
import os, sys
from maia_dashboard.settings import VAR_DIR
print("sqlite3" in sys.modules, os.environ["SQLITE_TMPDIR"] == str(VAR_DIR / "tmp"))
"""


def test_sqlite_keeps_its_temporary_files_in_var_dir(tmp_path: Path) -> None:
    """It is told before it is loaded, after which it does not listen."""
    own = environment(VAR_DIR=str(tmp_path), SECRET_KEY="only here", SQLITE_TMPDIR="")
    del own["SQLITE_TMPDIR"]
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=REPOSITORY, env=own, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["False", "True"]


def test_places_to_export_to_have_names() -> None:
    found = read({"SECRET_KEY": "s", "EXPORT_TARGETS": "atlas=/srv/exports,cloud=s3://images/a=b"})
    assert found["EXPORT_TARGETS"] == {"atlas": "/srv/exports", "cloud": "s3://images/a=b"}
    assert read({"SECRET_KEY": "s"})["EXPORT_TARGETS"] == {}


@pytest.mark.parametrize("text", ["/srv/exports", "atlas=", "=/srv/exports", "two words=/srv", "a=/srv,b"])
def test_a_place_without_a_name_stops_the_start(text: str) -> None:
    with pytest.raises(SettingInvalid, match="EXPORT_TARGETS must be NAME=DIR"):
        read({"SECRET_KEY": "s", "EXPORT_TARGETS": text})


def test_networks_that_archives_may_be_in_are_read() -> None:
    found = read({"SECRET_KEY": "s", "OUTBOUND_ALLOWED_NETWORKS": "10.20.0.0/16, fd00::/8"})
    assert [str(network) for network in found["OUTBOUND_ALLOWED_NETWORKS"]] == ["10.20.0.0/16", "fd00::/8"]
    assert read({"SECRET_KEY": "s"})["OUTBOUND_ALLOWED_NETWORKS"] == []


def test_a_file_of_cas_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="OUTBOUND_CA_FILE must be a file"):
        read({"SECRET_KEY": "s", "OUTBOUND_CA_FILE": str(tmp_path / "none.pem")})


@pytest.mark.parametrize("text", ["archive.example", "10.20.0.0/33", "10.20.0.1/16"])
def test_what_is_no_network_stops_the_start(text: str) -> None:
    with pytest.raises(SettingInvalid, match="must be networks like"):
        read({"SECRET_KEY": "s", "OUTBOUND_ALLOWED_NETWORKS": text})
