"""Where an export goes, by its name: a folder, or a bucket."""

from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from apps.archives.static_export.bucket import BucketTarget
from apps.archives.static_export.folder import FolderTarget
from apps.archives.static_export.target import Target, TargetFailed

_BUCKETS = {"s3": False, "s3+files": True}


def target_of(place: str) -> Target:
    """`s3://BUCKET/PREFIX` with the credentials of the settings, `s3+files://…` for one that keeps folders, or a path.

    Raises TargetFailed.
    """
    parts = urlsplit(place)
    if parts.scheme not in _BUCKETS:
        return FolderTarget(Path(place))
    if not (parts.netloc and settings.S3_ACCESS_KEY and settings.S3_SECRET_KEY):
        raise TargetFailed("A bucket needs a name, and the settings S3_ACCESS_KEY and S3_SECRET_KEY.")
    # Of each process of the portal it would take 100 ms and 10 MiB; exports into a bucket alone need it.
    from apps.integrations.objectstore.s3 import S3Bucket  # noqa: PLC0415

    bucket = S3Bucket(
        parts.netloc,
        endpoint=settings.S3_ENDPOINT,
        access_key=settings.S3_ACCESS_KEY,
        secret_key=settings.S3_SECRET_KEY,
    )
    return BucketTarget(bucket, parts.path, has_file_names=_BUCKETS[parts.scheme])
