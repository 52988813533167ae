import uuid
from http import HTTPStatus
from typing import cast

import structlog
from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.limits import takes_files
from apps.archives.services import ArchiveUnreachable, IncomingFile, Outcome
from apps.core import disk
from apps.core.numbers import is_whole_number
from apps.datasets import access
from apps.datasets.models import Upload, UploadedFile
from apps.datasets.uploads import announcing, progress, services
from apps.datasets.uploads.admission import DISK_IS_FULL, Refusal, enter_to_send, refusal_of_size, too_much
from apps.datasets.uploads.receiving import KeepOnDisk, ReceivedFile
from apps.projects.access import Entry

log = structlog.get_logger(__name__)


@require_safe
def upload_token(request: HttpRequest, namespace: str) -> HttpResponse:
    """Whether the portal takes files from this person now, and what to send them with: signing in again changes it."""
    enter_to_send(request, namespace)
    return JsonResponse({"token": get_token(request)})


@require_POST
def announce(request: HttpRequest, namespace: str) -> HttpResponse:
    """Takes what `announcing.parse` reads; answers for each file with its row and its outcome."""
    entry = enter_to_send(request, namespace)
    try:
        asked = announcing.parse(request.body)
    except announcing.Malformed as malformed:
        return Refusal(HTTPStatus.BAD_REQUEST, str(malformed)).as_json()
    upload = progress.begin(access.default_archive(entry), by=entry.user, key=_key(asked.key))
    if asked.goes_on:
        progress.go_on(upload)
    rows = progress.announce(upload, asked.files)
    answers = [_shown(entry, row) for row in rows]
    return JsonResponse({"files": answers, **_addresses(entry, upload)})


@require_POST
def end_upload(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """For who sends it: the rest is not to come."""
    entry = enter_to_send(request, namespace)
    found = access.get_own_upload(entry, pk)
    progress.end(found)
    if request.accepts("text/html"):
        return redirect("datasets:upload_result", namespace, pk)
    return JsonResponse(_addresses(entry, found))


@takes_files
@csrf_exempt  # _take asks for the token: finding it reads the body, which is not read for who may not upload
@require_POST
def upload(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter_to_send(request, namespace)
    size_bytes = int(request.META.get("CONTENT_LENGTH") or 0)
    if refusal := refusal_of_size(size_bytes, needed_bytes=size_bytes):
        return _refused(request, entry, refusal)
    request.upload_handlers = [KeepOnDisk(request)]
    try:
        return _take(request, entry)
    except TooManyFilesSent:
        most = f"{settings.DATA_UPLOAD_MAX_NUMBER_FILES} files"
        return _refused(request, entry, too_much(most))
    except (progress.NotAnnounced, ArchiveUnreachable) as error:
        is_conflict = isinstance(error, progress.NotAnnounced)
        status = HTTPStatus.CONFLICT if is_conflict else HTTPStatus.SERVICE_UNAVAILABLE
        return _refused(request, entry, Refusal(status, str(error)))
    except OSError as error:
        if not disk.is_full(error):
            raise
        log.exception("disk is full")
        return _refused(request, entry, DISK_IS_FULL)


@csrf_protect
def _take(request: HttpRequest, entry: Entry) -> HttpResponse:
    received = [cast(ReceivedFile, file) for file in request.FILES.getlist("files")]
    entry.need_work_still()
    files = [IncomingFile(file.path, file.name or "") for file in received]
    key, announced = _key(request.POST.get("key", "")), _numbers(request.POST.getlist("announced"))
    archive = access.default_archive(entry)
    receipt = services.receive(archive, files, by=entry.user, key=key, announced=announced)
    if request.accepts("text/html"):
        return redirect("datasets:upload_result", entry.project.namespace, receipt.upload.pk)
    return JsonResponse(
        {
            "stored": receipt.count(Outcome.STORED),
            "present": receipt.count(Outcome.PRESENT),
            "refused": [{"name": result.name, "sentence": result.sentence} for result in receipt.refused],
            "still_waiting": receipt.still_waiting,
            "studies": receipt.study_instance_uids,
            **_addresses(entry, receipt.upload),
        }
    )


def _shown(entry: Entry, row: UploadedFile) -> dict[str, str | int]:
    url = reverse("datasets:uploaded_file", args=[entry.project.namespace, row.pk])
    return {
        "pk": row.pk,
        "url": url,
        "outcome": row.outcome,
        "sentence": row.sentence,
        "received_bytes": row.received_bytes,
    }


def _addresses(entry: Entry, upload: Upload) -> dict[str, str]:
    place = [entry.project.namespace, upload.pk]
    return {"url": reverse("datasets:upload_result", args=place), "end_url": reverse("datasets:end_upload", args=place)}


def _key(text: str) -> uuid.UUID:
    """The key that the page gave its upload; a new one when there is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()


def _numbers(texts: list[str]) -> list[int]:
    """Raises NotAnnounced for what no row is called."""
    if not all(map(is_whole_number, texts)):
        raise progress.NotAnnounced
    return [int(text) for text in texts]


def _refused(request: HttpRequest, entry: Entry, refusal: Refusal) -> HttpResponse:
    if not request.accepts("text/html"):
        return refusal.as_json()
    context = {"project": entry.project, "sentence": refusal.sentence}
    return render(request, "datasets/not_taken.html", context, status=refusal.status)
