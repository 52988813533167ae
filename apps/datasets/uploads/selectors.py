from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from apps.archives.models import Study
from apps.datasets.models import Upload, UploadedFile


@dataclass(frozen=True)
class OutcomeCount:
    outcome: str
    label: str
    count: int


def studies_of_upload(upload: Upload) -> QuerySet[Study]:
    found = Study.objects.filter(archive=upload.archive_id, study_instance_uid__in=upload.study_instance_uids)
    return found.select_related("patient").order_by("-study_date", "pk")


def unsettled(uploads: Iterable[Upload]) -> dict[int, Counter[str]]:
    """How many files of each upload wait, by outcome; by the primary key of the upload."""
    found: dict[int, Counter[str]] = {upload.pk: Counter() for upload in uploads}
    files = UploadedFile.objects.filter(upload__in=found, outcome__in=UploadedFile.UNSETTLED)
    for upload, outcome, number in files.order_by().values_list("upload", "outcome").annotate(Count("pk")):
        found[upload][outcome] = number
    return found


def outcomes(upload: Upload) -> list[OutcomeCount]:
    """Which outcomes its files have had so far, in the order in which they are shown."""
    counted = dict(upload.files.order_by().values_list("outcome").annotate(Count("pk")))
    return [OutcomeCount(it.value, it.label, counted[it]) for it in UploadedFile.Outcome if it in counted]
