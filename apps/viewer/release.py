"""Which OHIF is the portal's viewer. Standard library only: what fetches it needs no portal."""

from pathlib import Path

PACKAGE = "@ohif/app"
VERSION = "3.13.2"
# Of the package as the registry hands it out (Subresource Integrity, as in a package-lock.json).
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
MOUNT = "/viewer/"


def folder_in(folder: Path) -> Path:
    """Where this release lies in the folder of all fetched ones, whole or not at all."""
    return folder / VERSION
