"""The tests of one machine on PostgreSQL and Redis: `python -m tests.peers.one_machine [PYTEST OPTION...]`."""

import os
import subprocess
import sys
from contextlib import ExitStack

from tests.peers.postgresql import running_postgresql
from tests.peers.redis import running_redis
from tests.peers.starting import throwaway_folder
from tests.portal import REPOSITORY

# What starts a portal of its own is on SQLite and folders, as a stranger starts it. Beside the tests on real servers,
# which go first, to make the database alone can take longer than a test may otherwise.
TESTS = ["-q", "-n", "2", "--dist", "loadfile", "--timeout", "600", "-m", "not browser and not peers"]


def main(options: list[str]) -> int:
    with ExitStack() as servers:
        folders = [servers.enter_context(throwaway_folder()) for _ in range(2)]
        postgresql = servers.enter_context(running_postgresql(folders[0]))
        redis = servers.enter_context(running_redis(folders[1]))
        environment = {**os.environ, "TEST_DATABASE_URL": postgresql.url, "TEST_REDIS_URL": redis.url}
        command = [sys.executable, "-m", "pytest", *TESTS, *options]
        return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
