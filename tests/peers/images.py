"""Container images without pulling anything: podman with a storage that is thrown away with its folder."""

import shutil
import subprocess
from pathlib import Path

from tests.peers.starting import output_of

BUSYBOX = Path("/bin/busybox")


class Podman:
    def __init__(self, folder: Path) -> None:
        """Keeps its images below the folder."""
        self.folder = folder
        self.storage = ["--root", str(folder / "images"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def run(self, *arguments: str | Path) -> str:
        """What the podman command prints."""
        # crun, podman's first choice, fails where cgroups are of version 1.
        command = ["podman", "--runtime", "runc", *self.storage, *map(str, arguments)]
        return output_of(command).strip()

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
