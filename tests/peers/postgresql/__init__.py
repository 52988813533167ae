"""Debian's PostgreSQL on loopback, its cluster in a folder that is thrown away."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from tests.peers.starting import LOOPBACK, require, running
from tests.portal import free_port

HERE = Path(__file__).parent
COMMANDS = Path("/usr/lib/postgresql/15/bin")
# It refuses to run as root.
USER = "postgres"


@dataclass(frozen=True)
class Postgresql:
    port: int
    user: str
    password: str
    database: str

    @property
    def url(self) -> str:
        return f"postgres://{self.user}:{self.password}@{LOOPBACK}:{self.port}/{self.database}"

    def __str__(self) -> str:
        return self.url


@contextmanager
def running_postgresql(folder: Path) -> Iterator[Postgresql]:
    """An empty database `maia` of a user `maia` who owns the server."""
    require([str(COMMANDS / "postgres")], HERE / "packages.txt")
    address = Postgresql(free_port(), "maia", secrets.token_urlsafe(16), "maia")
    data = _cluster(folder, address)
    # No socket file and no fsync: reached by TCP alone, and thrown away.
    options = ["-h", LOOPBACK, "-p", str(address.port), "-k", "", "-c", "fsync=off"]
    with running(
        [COMMANDS / "postgres", "-D", data, *options],
        log=folder / "postgresql.log",
        answers=lambda: _answers(address),
        user=USER,
        stop_signal=signal.SIGINT,  # "fast": connections that are still open are closed
    ):
        with psycopg.connect(_initial(address).url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE maia")
        yield address


def _cluster(folder: Path, address: Postgresql) -> Path:
    data, password = folder / "data", folder / "password"
    data.mkdir()
    password.write_text(address.password)
    as_user = []
    if os.geteuid() == 0:
        for path in (data, password):
            shutil.chown(path, USER, USER)
        as_user = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"]
    options = ["-U", address.user, "--auth=scram-sha-256", "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8"]
    command = [*as_user, str(COMMANDS / "initdb"), "-D", str(data), f"--pwfile={password}", *options]
    subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)
    password.unlink()
    return data


def _initial(address: Postgresql) -> Postgresql:
    """The database that a new cluster has."""
    return replace(address, database="postgres")


def _answers(address: Postgresql) -> bool:
    try:
        psycopg.connect(_initial(address).url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
