"""Which file came with which upload is of use for some weeks; how many were taken stays with the upload."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.datasets.models import UploadedFile

_AT_ONCE = 2000


def forget_old() -> None:
    """Removes the rows of files of uploads that nobody has gone on with for UPLOAD_FILES_KEPT_DAYS. Twice is once."""
    too_old = timezone.now() - timedelta(days=settings.UPLOAD_FILES_KEPT_DAYS)
    files = UploadedFile.objects.filter(upload__last_at__lt=too_old)
    while some := list(files.values_list("pk", flat=True)[:_AT_ONCE]):
        UploadedFile.objects.filter(pk__in=some).delete()
