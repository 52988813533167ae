"""The images that run in a cluster, built and pushed by the commands of docs/administrators.md as they stand there.

`python -m tests.peers.platform_images` does so for the registry that `make peers` keeps running, as `make peers` did.
"""

import fcntl
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.documented import adapted, blocks
from tests.peers import debian, shared
from tests.peers.images import Podman
from tests.peers.registry import Registry
from tests.peers.starting import output_of
from tests.peers.tools import TOOLS, made_once
from tests.portal import REPOSITORY

REFERENCES = REPOSITORY / "build" / "images.json"
SAMPLES = REPOSITORY / "deploy" / "samples"
REQUIREMENTS = [folder / "requirements.txt" for folder in (REPOSITORY, REPOSITORY / "deploy" / "workspace", SAMPLES)]
# Where pip looks for the settings of a whole system.
PIP = Path("/etc/xdg/pip")
BASE = "docker.io/library/debian:12"


@cache
def pushed_images(registry: Registry) -> Mapping[str, str]:
    """References by digest (`HOST:PORT/maia/orthanc@sha256:…`) of all platform images, by name."""
    prefix = f"{registry.host}/maia"
    with _storage() as podman:
        build, push = _commands(prefix)
        podman.bash(build)
        references = podman.bash(push).split()
        _forget_other(podman, prefix)
    return {reference.removeprefix(f"{prefix}/").partition("@")[0]: reference for reference in references}


def build_images() -> None:
    """Keeps all layers in .tools/, so that later only what has changed is built."""
    build, _push = _commands("localhost/maia")
    with _storage() as podman:
        podman.bash(build)


def _commands(prefix: str) -> tuple[str, str]:
    """Those that build and those that push."""
    build, push = (adapted(block, {"registry.hospital.example/maia": prefix}) for block in blocks(__file__))
    return build, push


@contextmanager
def _storage() -> Iterator[Podman]:
    """With the base in it, under the name that the Dockerfiles ask for."""
    TOOLS.mkdir(exist_ok=True)
    # Always the same folder, since podman keeps to the first that it was told.
    folder = Path("/tmp") / f"maia-images-{hashlib.sha256(bytes(TOOLS)).hexdigest()[:12]}"
    with (TOOLS / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(mode=0o700, exist_ok=True)
        podman = Podman(folder, TOOLS / "images", {_wheels(): str(PIP)})
        try:
            podman.run("tag", _base(podman), BASE)
            yield podman
            podman.run("image", "prune", "--force")  # those that newer ones have replaced
        finally:
            shutil.rmtree(folder)


def _base(podman: Podman) -> str:
    archive = debian.base_archive()
    tag = f"localhost/{archive.parent.name}"
    if not podman.has(tag):
        podman.run("import", "--quiet", archive, tag)
    return tag


def _wheels() -> Path:
    """Python packages fetched by this machine's own pip, since a build knows nothing of its configuration."""

    def fetch(folder: Path) -> None:
        for listed in REQUIREMENTS:
            options = ["--quiet", "--only-binary", ":all:", "--requirement", str(listed), "--dest", str(folder)]
            print(output_of([sys.executable, "-m", "pip", "download", *options]), end="", flush=True)
        (folder / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {PIP}\n")

    return made_once("wheels", REQUIREMENTS, fetch)


def _forget_other(podman: Podman, prefix: str) -> None:
    """The names that images had for registries which are gone."""
    names = podman.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    others = [name for name in names if "/maia/" in name and not name.startswith(f"{prefix}/")]
    if others:
        podman.run("rmi", *others)


def publish(registry: Registry) -> None:
    """Pushes all, and writes their references where other processes find them: build/images.json."""
    references = pushed_images(registry)
    REFERENCES.write_text(json.dumps(references, indent=2))
    for name, reference in references.items():
        print(f"image {name}: {reference}", flush=True)


if __name__ == "__main__":
    publish(shared.running("registry"))
