from django.http import HttpRequest
from django.urls import reverse

from apps.archives.models import Instance


def root(request: HttpRequest, namespace: str, archive_name: str) -> str:
    """The address of the DICOMweb service that the request came in by."""
    names = {"namespace": namespace, **({"archive_name": archive_name} if archive_name else {})}
    return request.build_absolute_uri(reverse("archives:studies", kwargs=names)).removesuffix("/studies")


def instance_address(root: str, instance: Instance) -> str:
    """Of an instance that is loaded with series and study."""
    series = instance.series
    return (
        f"{root}/studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )
