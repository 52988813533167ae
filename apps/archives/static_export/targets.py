from pathlib import Path

from apps.archives.static_export.folder import FolderTarget
from apps.archives.static_export.target import Target


def target_of(place: str) -> Target:
    """The folder of that path."""
    return FolderTarget(Path(place))
