"""Container images without pulling anything: podman with a storage of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.peers.starting import LOOPBACK, output_of, throwaway_folder
from tests.portal import REPOSITORY

BUSYBOX = Path("/bin/busybox")


class Podman:
    """A podman by its configuration files alone, so that commands for people run with it as they stand."""

    def __init__(self, folder: Path, images: Path | None = None, mounts: Mapping[Path, str] | None = None) -> None:
        """Keeps its images below the folder, or where it is told to; what it builds reads the folders mounted."""
        self.folder = folder
        self.environment = {
            **os.environ,
            **_configured(folder, images or folder / "images", _driver(), mounts or {}),
            "BUILDAH_ISOLATION": "chroot",
        }

    def run(self, *arguments: str | Path) -> str:
        """What the podman command prints."""
        return output_of(["podman", *map(str, arguments)], environment=self.environment, timeout_seconds=1800).strip()

    def bash(self, script: str) -> str:
        """What a script of podman commands prints, run in the repository."""
        return output_of(["bash", "-c", script], None, self.environment, timeout_seconds=3600, folder=REPOSITORY)

    def has(self, tag: str) -> bool:
        return tag in self.run("images", "--format", "{{.Repository}}").split()

    def push(self, tag: str) -> str:
        """Sends the image to the registry that its name begins with; its digest there."""
        return self.run("push", "--digestfile", "/dev/stdout", tag)

    def make_busybox(self, tag: str, *entry: str) -> None:
        """An image of Debian's static busybox alone; `entry` is what it runs."""
        root = self.folder / "busybox"
        (root / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(BUSYBOX, root / "bin")
        for applet in ("sh", "sleep", "nslookup", "cat"):
            (root / "bin" / applet).unlink(missing_ok=True)
            (root / "bin" / applet).symlink_to("busybox")
        archive = self.folder / "busybox.tar"
        subprocess.run(["tar", "-C", root, "-cf", archive, "bin"], check=True)
        quoted = ", ".join(f'"{word}"' for word in entry)
        self.run("import", "--quiet", "--change", f"ENTRYPOINT [{quoted}]", archive, tag)

    def save(self, tag: str) -> Path:
        """The image as an archive that containerd imports."""
        archive = self.folder / "image.tar"
        archive.unlink(missing_ok=True)
        self.run("save", "--quiet", "--output", archive, tag)
        return archive


def _configured(folder: Path, images: Path, driver: str, mounts: Mapping[Path, str]) -> dict[str, str]:
    """The variables that name the configuration files, which it writes into the folder."""
    volumes = [f"{source}:{target}:ro" for source, target in mounts.items()]
    files = {
        "CONTAINERS_STORAGE_CONF": f"[storage]\ndriver='{driver}'\ngraphroot='{images}'\nrunroot='{folder}/run'\n",
        # crun, podman's first choice, fails where cgroups are of version 1.
        "CONTAINERS_CONF": f'[containers]\nvolumes = {json.dumps(volumes)}\n[engine]\nruntime = "runc"\n',
        "CONTAINERS_REGISTRIES_CONF": f'[[registry]]\nlocation = "{LOOPBACK}"\ninsecure = true\n',
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return {name: str(folder / name) for name in files}


@cache
def _driver() -> str:
    """Layers as differences where the file system can, otherwise each as a whole copy."""
    with throwaway_folder() as folder:
        configured = _configured(folder, folder / "images", "overlay", {})
        probe = subprocess.run(["podman", "info"], check=False, capture_output=True, env={**os.environ, **configured})
    return "overlay" if probe.returncode == 0 else "vfs"
