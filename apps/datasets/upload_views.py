import shutil
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import structlog
from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.accounts.limits import takes_files
from apps.archives.services import ArchiveUnreachable, IncomingFile, Outcome
from apps.core import disk, spreadsheets
from apps.core.numbers import is_whole_number
from apps.core.units import GIB
from apps.datasets import access, announcing, selectors, services, uploads
from apps.datasets.models import Upload, UploadedFile
from apps.datasets.receiving import KeepOnDisk, ReceivedFile
from apps.projects.access import Entry, Role, enter

log = structlog.get_logger(__name__)

PAGE_LENGTH = 100
MOST_STUDIES = 100
LEAST_FREE_BYTES = 200 * 1024**2
DISK_IS_FULL = "The disk of this portal is full. What it had stored before stays; ask an administrator for space."


@dataclass(frozen=True)
class Refusal:
    """Of a whole request."""

    status: HTTPStatus
    sentence: str


@require_safe
def upload_result(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """Every file of an upload and what became of it; `show` is one outcome."""
    entry = enter(signed_in(request), namespace)
    found = access.get_upload(entry, pk)
    counts = selectors.outcomes(found)
    waits = any(it.outcome == UploadedFile.Outcome.WAITING for it in counts)
    show = request.GET.get("show", "")
    files = found.files.order_by("pk")
    if show in UploadedFile.Outcome:
        files = files.filter(outcome=show)
    context = {
        "project": entry.project,
        "upload": found,
        "outcomes": counts,
        "total": sum(outcome.count for outcome in counts),
        "show": show,
        "querystring": f"show={show}" if show in UploadedFile.Outcome else "",
        "page": Paginator(files, PAGE_LENGTH).get_page(request.GET.get("page")),
        "studies": selectors.studies_of_upload(found)[:MOST_STUDIES],
        "study_count": len(found.study_instance_uids),
        "may_end": found.by_id == entry.user.pk and entry.may_work and found.ended_at is None and waits,
    }
    return render(request, "datasets/upload.html", context)


@require_safe
def not_taken(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """The refusals of an upload, for a spreadsheet."""
    found = access.get_upload(enter(signed_in(request), namespace), pk)
    refused = found.files.filter(outcome=UploadedFile.Outcome.REFUSED).order_by("pk").values_list("name", "sentence")
    written = "".join(spreadsheets.lines([("file", "why"), *refused]))
    response = HttpResponse(written, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="upload-{found.pk}-not-taken.csv"'
    return response


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
        return JsonResponse({"detail": str(malformed)}, status=HTTPStatus.BAD_REQUEST)
    upload = uploads.begin(access.default_archive(entry), by=entry.user, key=_key(asked.key))
    if asked.goes_on:
        uploads.go_on(upload)
    rows = uploads.announce(upload, asked.files)
    answers = [_shown(entry, row) for row in rows]
    return JsonResponse({"files": answers, **_addresses(entry, upload)})


@require_POST
def end_upload(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """For who sends it: the rest is not to come."""
    entry = enter_to_send(request, namespace)
    found = access.get_own_upload(entry, pk)
    uploads.end(found)
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
        return _refused(request, entry, _too_much(most))
    except (uploads.NotAnnounced, ArchiveUnreachable) as error:
        is_conflict = isinstance(error, uploads.NotAnnounced)
        status = HTTPStatus.CONFLICT if is_conflict else HTTPStatus.SERVICE_UNAVAILABLE
        return _refused(request, entry, Refusal(status, str(error)))
    except OSError as error:
        if not disk.is_full(error):
            raise
        log.exception("disk is full")
        return _refused(request, entry, Refusal(HTTPStatus.INSUFFICIENT_STORAGE, DISK_IS_FULL))


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


def refusal_of_size(size_bytes: int, *, needed_bytes: int) -> Refusal | None:
    """For what is larger than the portal takes, or than the space that it has left for people."""
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        return _too_much(f"{settings.UPLOAD_MAX_BYTES // GIB} GiB")
    if shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free < needed_bytes + LEAST_FREE_BYTES:
        return Refusal(HTTPStatus.INSUFFICIENT_STORAGE, DISK_IS_FULL)
    return None


def enter_to_send(request: HttpRequest, namespace: str) -> Entry:
    """Raises as `enter` and `need_work` do."""
    entry = enter(signed_in(request), namespace, at_least=Role.MEMBER)
    entry.need_work()
    return entry


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
        raise uploads.NotAnnounced
    return [int(text) for text in texts]


def _too_much(most: str) -> Refusal:
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {most} are taken at once; send them in parts.")


def _refused(request: HttpRequest, entry: Entry, refusal: Refusal) -> HttpResponse:
    if not request.accepts("text/html"):
        return JsonResponse({"detail": refusal.sentence}, status=refusal.status)
    context = {"project": entry.project, "sentence": refusal.sentence}
    return render(request, "datasets/not_taken.html", context, status=refusal.status)
