"""Debian 12 as the base of the repository's images, made of its packages; nothing is pulled."""

import subprocess
from pathlib import Path

from tests.peers.starting import output_of, require, throwaway_folder
from tests.peers.tools import made_once

HERE = Path(__file__).parent
RELEASE = "bookworm"
MINIMAL = ["--variant=minbase", "--include=ca-certificates", RELEASE]


def base_archive() -> Path:
    """The root folder of a minimal system, as a tar archive."""
    require(["debootstrap"], HERE / "packages.txt")

    def make(folder: Path) -> None:
        print("Making a Debian base, once", flush=True)
        with throwaway_folder() as scratch:
            output_of(["debootstrap", *MINIMAL, scratch / "root", *_mirror()])
            archive = ["--exclude=./var/cache/apt", "--exclude=./var/lib/apt/lists/*", "-cf", folder / "root.tar"]
            subprocess.run(["tar", "-C", scratch / "root", *archive, "."], check=True)

    return made_once("debian", [Path(__file__)], make) / "root.tar"


def _mirror() -> list[str]:
    """Where this machine's own packages come from, if it is of the same release; otherwise Debian's own."""
    known = output_of(["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {RELEASE}", "Component: main"])
    return known.split()[:1]
