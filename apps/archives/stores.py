from apps.archives.models import Archive
from apps.archives.orthanc_archive import OrthancArchive
from apps.archives.port import ImageStore
from apps.archives.static_archive import StaticArchive
from apps.archives.web_archive import WebArchive

_STORES: dict[str, type[StaticArchive] | type[OrthancArchive] | type[WebArchive]] = {
    Archive.Kind.BUILT_IN: StaticArchive,
    Archive.Kind.ORTHANC: OrthancArchive,
    Archive.Kind.DICOMWEB: WebArchive,
}


def store_of(archive: Archive) -> ImageStore:
    """Where the bytes of an archive are; for one request or task."""
    return _STORES[archive.kind](archive.pk)
