"""Addresses of pages of images, and of what these show of the archive's DICOMweb endpoint (PS3.18 10.4.1.1.4).

Pages of an archive that is not the project's default one name it: `?archive=…`.
"""

from urllib.parse import urlencode

from django.urls import reverse

from apps.archives.models import Archive


def page(name: str, archive: Archive, *uids: str, **query: str) -> str:
    """Of a page of this room, `datasets:<name>`. The archive is loaded with its project."""
    named = {} if archive.is_default else {"archive": archive.name}
    path = reverse(f"datasets:{name}", args=[archive.project.namespace, *uids])
    return f"{path}?{urlencode({**named, **query})}" if named or query else path


def dicomweb(name: str, archive: Archive, *uids: str) -> str:
    """Of something at the archive's DICOMweb endpoint, `archives:<name>`."""
    named = [] if archive.is_default else [archive.name]
    return reverse(f"archives:{name}", args=[archive.project.namespace, *named, *uids])
