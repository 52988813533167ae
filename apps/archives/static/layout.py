"""Where things lie in the folder of one archive. No character of a UID ever reaches the file system."""

import hashlib
from pathlib import Path

OBJECT_SUFFIX = ".dcm"
_NAME_LENGTH = 32


def _name(identifier: str) -> str:
    return hashlib.sha256(identifier.encode()).hexdigest()[:_NAME_LENGTH]


def study_folder(root: Path, study_instance_uid: str) -> Path:
    """The folder of one study; studies are spread over 256 folders."""
    study = _name(study_instance_uid)
    return root / "objects" / study[:2] / study


def series_folder(root: Path, study_instance_uid: str, series_instance_uid: str) -> Path:
    """The folder of one series, in that of its study."""
    return study_folder(root, study_instance_uid) / _name(series_instance_uid)


def object_path(
    root: Path, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, sha256: str
) -> Path:
    """The P10 file of one object, by its identity and content: two contents of one object never share a path."""
    name = _name(f"{sop_instance_uid} {sha256}")
    return series_folder(root, study_instance_uid, series_instance_uid) / f"{name}{OBJECT_SUFFIX}"


def series_metadata_path(root: Path, study_instance_uid: str, series_instance_uid: str, version: int) -> Path:
    """The gzipped metadata of all instances of one series, as it was at one version of the series."""
    return series_folder(root, study_instance_uid, series_instance_uid) / f"metadata-{version}.json.gz"


def incoming_folder(root: Path) -> Path:
    """Where files are while they are not yet stored; on the same file system as the objects."""
    return root / "incoming"
