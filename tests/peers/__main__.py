"""Starts the servers for a person: `python -m tests.peers [NAME...]`. Ctrl-C stops them all."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.peers.platform_images import publish
from tests.peers.servers import SERVERS
from tests.peers.shared import announced
from tests.peers.starting import own_folder, until_stopped


def main(names: list[str]) -> None:
    if unknown := set(names) - set(SERVERS):
        sys.exit(f"No such server: {', '.join(sorted(unknown))}. There are {', '.join(SERVERS)}.")
    until_stopped(lambda folder, servers: _start(names or list(SERVERS), folder, servers))


def _start(names: list[str], folder: Path, servers: ExitStack) -> None:
    started: dict[str, Any] = {}
    for name in names:
        started[name] = servers.enter_context(SERVERS[name](own_folder(folder, name)))
        print(f"{name}: {started[name]}", flush=True)
    if started.keys() == SERVERS.keys():  # one cluster at a time, so that there is one to announce
        servers.enter_context(announced(started))
        publish(started["registry"])


if __name__ == "__main__":
    main(sys.argv[1:])
