"""Container images without pulling anything: podman with a storage of its own."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.peers.starting import output_of, throwaway_folder

BUSYBOX = Path("/bin/busybox")
# crun, podman's first choice, fails where cgroups are of version 1.
PODMAN = ["podman", "--runtime", "runc"]


class Podman:
    def __init__(self, folder: Path, images: Path | None = None) -> None:
        """Keeps its images below the folder, or where it is told to."""
        self.folder = folder
        self.storage = _storage(images or folder / "images", folder / "run", _driver())

    def run(self, *arguments: str | Path) -> str:
        """What the podman command prints."""
        return output_of([*PODMAN, *self.storage, *map(str, arguments)], timeout_seconds=1800).strip()

    def has(self, tag: str) -> bool:
        return tag in self.run("images", "--format", "{{.Repository}}").split()

    def push(self, tag: str, name: str | None = None) -> str:
        """Sends the image to the registry that its name, or that new one, begins with; its digest there."""
        digest = self.folder / "digest"
        self.run("push", "--quiet", "--tls-verify=false", "--digestfile", digest, tag, name or tag)
        return digest.read_text()

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


def _storage(images: Path, runs: Path, driver: str) -> list[str]:
    return ["--root", str(images), "--runroot", str(runs), "--storage-driver", driver]


@cache
def _driver() -> str:
    """Layers as differences where the file system can, otherwise each as a whole copy."""
    with throwaway_folder() as folder:
        storage = _storage(folder / "images", folder / "run", "overlay")
        probe = subprocess.run([*PODMAN, *storage, "info"], check=False, capture_output=True)
    return "overlay" if probe.returncode == 0 else "vfs"
