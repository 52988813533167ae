"""The images that run in a cluster, built from the repository's Dockerfiles and pushed to a registry.

`python -m tests.peers.platform_images` does so for the registry that `make peers` keeps running, as `make peers` did.
"""

import fcntl
import hashlib
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.peers import debian, shared
from tests.peers.images import Podman
from tests.peers.registry import Registry
from tests.peers.starting import output_of
from tests.peers.tools import TOOLS, made_once
from tests.portal import REPOSITORY

REFERENCES = REPOSITORY / "build" / "images.json"
DEPLOY, SAMPLES = REPOSITORY / "deploy", REPOSITORY / "deploy" / "samples"
WHEELS = "/wheels"


@dataclass(frozen=True)
class Image:
    """One Dockerfile, the folder that it copies from, and the list of Python packages that it installs."""

    dockerfile: Path
    context: Path
    version: str
    requirements: Path | None = None


@cache
def pushed_images(registry: Registry) -> Mapping[str, str]:
    """References by digest (`HOST:PORT/maia/orthanc@sha256:…`) of all platform images, by name."""
    with _storage() as podman:
        return {name: _pushed(podman, registry, name, image) for name, image in platform_images().items()}


def build_images() -> None:
    """Keeps all layers in .tools/, so that later only what has changed is built."""
    with _storage() as podman:
        for name, image in platform_images().items():
            _built(podman, name, image)


def platform_images() -> dict[str, Image]:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    images = {
        "orthanc": Image(DEPLOY / "orthanc/Dockerfile", DEPLOY / "orthanc", version),
        "workspace": Image(
            DEPLOY / "workspace/Dockerfile", DEPLOY / "workspace", version, DEPLOY / "workspace/requirements.txt"
        ),
        "maia-dashboard": Image(DEPLOY / "Dockerfile", REPOSITORY, version, REPOSITORY / "requirements.txt"),
    }
    for path in SAMPLES.glob("*/algorithm.toml"):
        known = tomllib.loads(path.read_text())
        dockerfile, requirements = path.parent / "Dockerfile", SAMPLES / "requirements.txt"
        images[known["name"]] = Image(dockerfile, SAMPLES, known["version"], requirements)
    return images


@contextmanager
def _storage() -> Iterator[Podman]:
    TOOLS.mkdir(exist_ok=True)
    # Always the same folder, since podman keeps to the first that it was told.
    folder = Path("/tmp") / f"maia-images-{hashlib.sha256(bytes(TOOLS)).hexdigest()[:12]}"
    with (TOOLS / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(mode=0o700, exist_ok=True)
        podman = Podman(folder, TOOLS / "images")
        try:
            yield podman
            podman.run("image", "prune", "--force")  # those that newer ones have replaced
        finally:
            shutil.rmtree(folder)


def _pushed(podman: Podman, registry: Registry, name: str, image: Image) -> str:
    repository = f"{registry.host}/maia/{name}"
    return f"{repository}@{podman.push(_built(podman, name, image), f'{repository}:{image.version}')}"


def _built(podman: Podman, name: str, image: Image) -> str:
    tag = f"localhost/maia/{name}:{image.version}"
    print(f"Building {tag}", flush=True)
    options = ["--layers", "--isolation", "chroot", "--build-arg", f"BASE={_base(podman)}", *_wheels(image)]
    podman.run("build", "--quiet", *options, "--file", image.dockerfile, "--tag", tag, image.context)
    return tag


def _base(podman: Podman) -> str:
    archive = debian.base_archive()
    tag = f"localhost/{archive.parent.name}"
    if not podman.has(tag):
        podman.run("import", "--quiet", archive, tag)
    return tag


def _wheels(image: Image) -> list[str]:
    """Python packages fetched by this machine's own pip, since a build knows nothing of its configuration."""
    if image.requirements is None:
        return []
    listed = image.requirements
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--requirement", listed]
    folder = made_once("wheels", [listed], lambda folder: print(output_of([*pip, "--dest", folder]), end=""))
    return [f"--volume={folder}:{WHEELS}:ro", "--build-arg=PIP_NO_INDEX=1", f"--build-arg=PIP_FIND_LINKS={WHEELS}"]


def publish(registry: Registry) -> None:
    """Pushes all, and writes their references where other processes find them: build/images.json."""
    references = pushed_images(registry)
    REFERENCES.write_text(json.dumps(references, indent=2))
    for name, reference in references.items():
        print(f"image {name}: {reference}", flush=True)


if __name__ == "__main__":
    publish(shared.running("registry"))
