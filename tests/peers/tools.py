"""What has to be built or fetched once, kept in .tools/ under a name that changes with its pins."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.peers.starting import CommandMissing
from tests.portal import REPOSITORY

TOOLS = REPOSITORY / ".tools"


def made_once(name: str, pins: Sequence[Path], make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled for these pins; a half-filled one is never taken for it.

    Whoever asks while another process fills it waits for that one.
    """
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in pins)).hexdigest()[:12]
    folder = TOOLS / f"{name}-{digest}"
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def go_tools(module: Path, linker_flags: str = "") -> Path:
    """The folder with the commands that the module's `tool` lines name."""

    def build(folder: Path) -> None:
        if shutil.which("go") is None:
            raise CommandMissing("go 1.24 or newer missing: https://go.dev/dl/")
        print(f"Building {module.name}, once", flush=True)
        flags = ["-trimpath", "-buildvcs=false", f"-ldflags=-s -w {linker_flags}"]
        environment = {**os.environ, "CGO_ENABLED": "0"}
        subprocess.run(["go", "build", *flags, "-o", f"{folder}/", "tool"], cwd=module, env=environment, check=True)

    return made_once(module.name, [module / "go.mod", module / "go.sum"], build)
