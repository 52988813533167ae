from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.archives.models import Instance
from apps.archives.static import identity


def root(request: HttpRequest, namespace: str, archive_name: str) -> str:
    """The address of the DICOMweb service that the request came in by."""
    names = {"namespace": namespace, **({"archive_name": archive_name} if archive_name else {})}
    return _origin(request) + reverse("archives:studies", kwargs=names).removesuffix("/studies")


def _origin(request: HttpRequest) -> str:
    """Under the public name the public address, since proxies hide the scheme and some clients the port."""
    seen = request.build_absolute_uri("/").removesuffix("/")
    public: str = settings.PUBLIC_URL
    return public if urlsplit(seen).hostname == urlsplit(public).hostname else seen


def instance_address(root: str, instance: Instance) -> str:
    """Of an instance that is loaded with series and study."""
    series = instance.series
    path = identity.instance_address(
        series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid
    )
    return f"{root}/{path}"
