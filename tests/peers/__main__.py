"""Starts the servers for a person: `python -m tests.peers [NAME...]`. Ctrl-C stops them all."""

import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.peers.servers import SERVERS
from tests.peers.starting import CommandMissing, throwaway_folder


def main(names: list[str]) -> None:
    if unknown := set(names) - set(SERVERS):
        sys.exit(f"No such server: {', '.join(sorted(unknown))}. There are {', '.join(SERVERS)}.")
    # `kill` ends as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with throwaway_folder() as folder, ExitStack() as servers:
            _serve(names or list(SERVERS), folder, servers)
    except KeyboardInterrupt:
        print("All stopped.")
    except CommandMissing as missing:
        sys.exit(str(missing))


def _serve(names: list[str], folder: Path, servers: ExitStack) -> None:
    for name in names:
        own = folder / name
        own.mkdir(mode=0o711)
        print(f"{name}: {servers.enter_context(SERVERS[name](own))}", flush=True)
    servers.callback(_be_deaf)  # what has begun to stop is stopped to its end
    print("Ctrl-C stops them.", flush=True)
    while True:
        signal.pause()


def _be_deaf() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main(sys.argv[1:])
