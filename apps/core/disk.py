"""The disk of this machine."""

import errno


def is_full(error: OSError) -> bool:
    """Whether a write failed since the disk, or the portal's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
