"""Debian 12 as the base of the repository's images, made of its packages; nothing is pulled."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.peers.images import Podman
from tests.peers.starting import output_of, require, throwaway_folder
from tests.peers.tools import made_once

HERE = Path(__file__).parent
BASE = "localhost/debian:12"
MINIMAL = ["--variant=minbase", "--include=ca-certificates", "bookworm"]


def base_archive() -> Path:
    """The root folder of a minimal system, as a tar archive."""
    require(["debootstrap"], HERE / "packages.txt")

    def make(folder: Path) -> None:
        print("Making a Debian base, once", flush=True)
        with throwaway_folder() as scratch:
            output_of(["debootstrap", *MINIMAL, scratch / "root"])
            subprocess.run(["tar", "-C", scratch / "root", "-cf", folder / "root.tar", "."], check=True)

    return made_once("debian", [Path(__file__)], make) / "root.tar"


def built_image(tag: str, context: Path, sources: Sequence[str]) -> Path:
    """The image of the folder's Dockerfile on that base, as an archive that containerd imports.

    `sources` are the files it is made of, the Dockerfile among them; a change of one builds it anew.
    """

    def make(folder: Path) -> None:
        base = base_archive()
        print(f"Building {tag}, once", flush=True)
        with throwaway_folder() as scratch:
            podman = Podman(scratch)
            podman.run("import", "--quiet", base, BASE)
            podman.run("build", "--isolation", "chroot", "--build-arg", f"BASE={BASE}", "--tag", tag, context)
            podman.save(tag).rename(folder / "image.tar")

    pins = [Path(__file__), *(context / name for name in sources)]
    return made_once(f"{context.name}-image", pins, make) / "image.tar"
