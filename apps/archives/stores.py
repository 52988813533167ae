from apps.archives.models import Archive
from apps.archives.port import ImageStore
from apps.archives.remote_archive import RemoteArchive
from apps.archives.static_archive import StaticArchive

_STORES: dict[str, type[StaticArchive] | type[RemoteArchive]] = {
    Archive.Kind.BUILT_IN: StaticArchive,
    Archive.Kind.ORTHANC: RemoteArchive,
}


def store_of(archive: Archive) -> ImageStore:
    """Where the bytes of an archive are; for one request or task."""
    return _STORES[archive.kind](archive.pk)
