"""A hard ceiling on a run's processes where the portal may make control groups: as root, whom RLIMIT_NPROC does not
bind.

Sources: cgroups(7), the kernel's pids controller, version 1 (a hierarchy of its own) and 2 (where it is delegated).
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

HIERARCHIES = Path("/sys/fs/cgroup")


class ProcessCeiling:
    """A control group for one run; does nothing where none can be made.

    Made before the run, entered by it, removed after.
    """

    def __init__(self, name: str, pids: int) -> None:
        self._group: Path | None = None
        for parent in _own_groups():
            with contextlib.suppress(OSError):
                self._group = _make_group(parent / f"maia-{name}-{os.getpid()}", pids)
                return

    def enter(self) -> None:
        """Put this process, and all that it starts from now on, under the ceiling."""
        if self._group:
            (self._group / "cgroup.procs").write_text("0", encoding="ascii")

    def remove(self) -> None:
        """Remove the group once its processes have ended."""
        if self._group:
            with contextlib.suppress(OSError):
                self._group.rmdir()


def remove_groups(name: str) -> None:
    """Remove what the launchers of an ended run left: one that was killed could not tidy up."""
    for parent in _own_groups():
        for group in parent.glob(f"maia-{name}-*"):
            with contextlib.suppress(OSError):
                group.rmdir()


def _make_group(group: Path, pids: int) -> Path:
    group.mkdir(exist_ok=True)
    try:
        (group / "pids.max").write_text(str(pids), encoding="ascii")
    except OSError:
        group.rmdir()
        raise
    return group


def _own_groups() -> list[Path]:
    """This process's groups that may hold a pids controller, by /proc/self/cgroup: `number:controllers:path` a line."""
    groups = []
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("pids", ""):
            groups.append(HIERARCHIES / controllers / path.lstrip("/"))
    return groups
