"""Addresses of pages of images and of pictures, whichever archive of the project holds them."""

from django import template

from apps.archives.models import Archive
from apps.datasets import addresses

register = template.Library()


@register.simple_tag
def images_url(name: str, archive: Archive, *uids: str) -> str:
    """Of the page `datasets:<name>`; the archive is loaded with its project."""
    return addresses.page(name, archive, *uids)


@register.simple_tag
def dicomweb_url(name: str, archive: Archive, *uids: str) -> str:
    return addresses.dicomweb(name, archive, *uids)
