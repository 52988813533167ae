"""Starts the servers for a person: `python -m tests.peers [NAME...]`. Ctrl-C stops them all."""

import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from tests.peers.platform_images import publish
from tests.peers.servers import SERVERS
from tests.peers.shared import announced
from tests.peers.starting import CommandMissing, throwaway_folder

STOPPING = (signal.SIGINT, signal.SIGTERM)


def main(names: list[str]) -> None:
    if unknown := set(names) - set(SERVERS):
        sys.exit(f"No such server: {', '.join(sorted(unknown))}. There are {', '.join(SERVERS)}.")
    for number in STOPPING:
        signal.signal(number, _stop)
    try:
        with throwaway_folder() as folder, ExitStack() as servers:
            _serve(names or list(SERVERS), folder, servers)
    except KeyboardInterrupt:
        print("All stopped.")
    except CommandMissing as missing:
        sys.exit(str(missing))


def _serve(names: list[str], folder: Path, servers: ExitStack) -> None:
    started: dict[str, Any] = {}
    for name in names:
        own = folder / name
        own.mkdir(mode=0o711)
        started[name] = servers.enter_context(SERVERS[name](own))
        print(f"{name}: {started[name]}", flush=True)
    servers.enter_context(announced(started))
    if "registry" in started:
        publish(started["registry"])
    print("Ctrl-C stops them.", flush=True)
    while True:
        signal.pause()


def _stop(number: int, frame: FrameType | None) -> None:
    # What has begun to stop is stopped to its end: a second Ctrl-C changes nothing.
    for stopping in STOPPING:
        signal.signal(stopping, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(sys.argv[1:])
