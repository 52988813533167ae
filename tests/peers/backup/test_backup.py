"""The documented backup of a portal that runs, and a portal that starts from it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import requests

from tests.documented import STRICT, blocks
from tests.peers.postgresql import Postgresql
from tests.peers.starting import output_of, require
from tests.portal import ADMINISTRATOR, running_portal

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]
PACKAGES = Path(__file__).parent / "packages.txt"


@pytest.fixture
def databases(postgresql: Postgresql) -> Iterator[tuple[str, str]]:
    """The addresses of two empty ones."""
    names = [f"backup_{uuid4().hex[:8]}" for _ in range(2)]
    root = postgresql.url.rpartition("/")[0]
    with psycopg.connect(postgresql.url, autocommit=True) as connection, ExitStack() as stack:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}")
            stack.callback(connection.execute, f"DROP DATABASE {name} WITH (FORCE)")
        yield f"{root}/{names[0]}", f"{root}/{names[1]}"


def test_a_portal_starts_from_the_backup_of_one_that_runs(tmp_path: Path) -> None:
    require(["sqlite3"], PACKAGES)
    script, _instead = blocks(__file__)
    secret = back_up(script, tmp_path)
    assert_comes_back(tmp_path, secret)


def test_a_portal_on_postgresql_comes_back(tmp_path: Path, databases: tuple[str, str]) -> None:
    script, instead = blocks(__file__)
    (replaced,) = [line for line in script.splitlines() if line.startswith("sqlite3 ")]
    first, second = databases
    secret = back_up(script.replace(replaced, instead.removeprefix(STRICT)), tmp_path, DATABASE_URL=first)
    output_of(["psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", tmp_path / "backup/maia.sql", second])
    assert_comes_back(tmp_path, secret, DATABASE_URL=second)


def back_up(script: str, folder: Path, **settings: str) -> str:
    """Runs the script beside a portal with images; an API token that was made before."""
    with running_portal(folder / "var", SECRET_KEY="only here", **settings) as portal:
        secret = portal.manage("api_token", ADMINISTRATOR)
        output_of(["bash", "-c", script], environment=portal.environment, folder=folder)
    return secret


def assert_comes_back(folder: Path, secret: str, **settings: str) -> None:
    with running_portal(folder / "backup", SECRET_KEY="only here", SAMPLE_PROJECT="false", **settings) as portal:
        assert "unchanged" in portal.manage("archive", "verify", "sample")
        assert portal.manage("audit", "verify").startswith("The chain holds")
        studies = f"{portal.url}/projects/sample/dicomweb/studies"
        answer = requests.get(studies, headers={"Authorization": f"Bearer {secret}"}, timeout=20)
    assert answer.status_code == 200
    assert answer.json()
