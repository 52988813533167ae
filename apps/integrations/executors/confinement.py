"""What Linux offers any user to lock a child in, by system call: namespaces, Landlock, resource limits.

Sources: unshare(2), user_namespaces(7), landlock(7), prctl(2), setrlimit(2). Nothing here needs privileges, and where
the system refuses something the caller is told, so that the run's record can say so.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from apps.integrations.executors.port import FileSystem, Limits, Network

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
UNPRIVILEGED_ID = 1000
"""The user id that a run sees as its own; it stands for the portal's user, without any of its privileges."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_BLOCK, REFER, TRUNCATE, IOCTL_DEV = 1 << 6, 1 << 11, 1 << 13, 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
FIRST_VERSION_RIGHTS = (1 << 13) - 1
ALL_RIGHTS_BY_VERSION = ((5, IOCTL_DEV), (3, TRUNCATE), (2, REFER))
READ_AND_EXECUTE = EXECUTE | READ_FILE | READ_DIR
READ_AND_WRITE = ((1 << 15) - 1) & ~(EXECUTE | MAKE_CHAR | MAKE_BLOCK)
TCP_BIND_AND_CONNECT = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

SYSTEM_PATHS = (
    *("/usr", "/bin", "/lib", "/lib32", "/lib64", "/proc", "/sys/devices/system/cpu"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group"),
)
DEVICE_PATHS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
ADDRESS_SPACE_HEADROOM_BYTES = 4 * 1024**3


def isolate() -> Network:
    """Move this process into namespaces of its own: no network, and its next child will be process 1 of a private tree.

    When that process 1 dies, the kernel kills the whole tree. `SHARED`, and nothing changed, where the system refuses.
    """
    user_id, group_id = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID) != 0:
        return Network.SHARED
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{UNPRIVILEGED_ID} {user_id} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{UNPRIVILEGED_ID} {group_id} 1", encoding="ascii")
    return Network.ISOLATED


def adopt_orphans() -> None:
    """Become the parent of every orphan below this process, so that a daemon cannot leave the tree."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal_number: int) -> None:
    """Get the signal when the parent ends, even by SIGKILL."""
    _prctl(PR_SET_PDEATHSIG, signal_number)


def file_confinement() -> FileSystem:
    """What `confine_files` can do on this kernel."""
    return FileSystem.CONFINED if _landlock_version() >= 1 else FileSystem.OPEN


def confine_files(*, readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Allow this process and all it starts only the system's programs, `readable` and `writable`, for good.

    Where the kernel can, also no TCP, and no signals or abstract sockets to anything outside. Raises `OSError` if it
    fails; to be called only where `file_confinement()` is `CONFINED`.
    """
    version = _landlock_version()
    handled = FIRST_VERSION_RIGHTS
    for since, right in ALL_RIGHTS_BY_VERSION:
        handled |= right if version >= since else 0
    network = TCP_BIND_AND_CONNECT if version >= 4 else 0
    scoped = ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, network, scoped)
    ruleset = _syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path in (*map(Path, SYSTEM_PATHS), *readable):
            _allow(ruleset, path, READ_AND_EXECUTE & handled)
        for path in writable:
            _allow(ruleset, path, READ_AND_WRITE & handled)
        for path in map(Path, DEVICE_PATHS):
            _allow(ruleset, path, (READ_FILE | WRITE_FILE) & handled)
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def limit_resources(limits: Limits, *, others: int) -> None:
    """Set the hard limits that a child inherits; memory is held by the launcher's watch, address space is the backstop.

    The kernel counts processes per user and user namespace: without a namespace the user's `others` count too.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 1024)
    _limit(resource.RLIMIT_FSIZE, limits.output_bytes)
    _limit(resource.RLIMIT_AS, 2 * limits.memory_bytes + ADDRESS_SPACE_HEADROOM_BYTES)
    _limit(resource.RLIMIT_NPROC, limits.pids + others)
    # Should the machine run out of memory, the run goes before the portal does.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= FILE_RIGHTS
        rule = struct.pack("=Qi", rights, descriptor)
        _syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _landlock_version() -> int:
    return int(_libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def _syscall(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"system call {number}: {errno.errorcode.get(code, code)}")
    return result
