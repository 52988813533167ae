import shutil
import uuid
from http import HTTPStatus
from itertools import islice
from typing import cast

import structlog
from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import signed_in
from apps.accounts.limits import takes_files
from apps.archives.models import StudyRead
from apps.archives.selectors import DERIVED_MODALITIES, metadata_of, outage_of
from apps.archives.services import (
    ArchiveUnreachable,
    FileRefused,
    IncomingFile,
    ObjectUnavailable,
    Outcome,
    PoolBusy,
    note_read,
)
from apps.core import disk
from apps.core.units import GIB
from apps.datasets import access, listing, selectors, services, tags
from apps.datasets.forms import StudyFilter
from apps.datasets.pictures import mask_over
from apps.datasets.receiving import KeepOnDisk, ReceivedFile
from apps.datasets.series_page import series_context
from apps.datasets.study_search import studies as studies_of
from apps.datasets.study_states import state_of
from apps.projects.access import Entry, Role, enter
from apps.viewer.addresses import address_of_series, address_of_study

log = structlog.get_logger(__name__)

PAGE_LENGTH = 50
LEAST_FREE_BYTES = 200 * 1024**2
DISK_IS_FULL = "The disk of this portal is full. What it had stored before stays; ask an administrator for space."
OVERLAY_KEPT_SECONDS = 3600


@require_safe
def studies(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    archive = access.default_archive(entry)
    form = StudyFilter(request.GET, modalities=selectors.modalities(archive))
    wanted, order = form.wanted(), form.chosen_order()
    page = Paginator(studies_of(archive, wanted, order), PAGE_LENGTH).get_page(request.GET.get("page"))
    outage = outage_of(archive)
    context = {
        "project": entry.project,
        "totals": selectors.totals(archive),
        "filter": form,
        "is_filtered": not wanted.is_all,
        "columns": listing.columns(order, request.GET),
        "querystring": listing.without_page(request.GET),
        "page": page,
        "rows": [(study, state_of(study, outage)) for study in page],
        "may_upload": entry.may_work,
        "may_export": entry.may_export,
        "outage": outage,
        "key": uuid.uuid4(),
    }
    return render(request, "datasets/studies.html", context)


@require_safe
def study(request: HttpRequest, namespace: str, study_instance_uid: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    found = access.get_study(entry, study_instance_uid)
    note_read(found, by=entry.user, kind=StudyRead.Kind.VIEWED)
    context = {
        "project": entry.project,
        "study": found,
        "groups": selectors.series_groups(found),
        "outage": outage_of(found.archive),
        "ohif_url": address_of_study(found),
    }
    return render(request, "datasets/study.html", context)


@require_safe
def series(request: HttpRequest, namespace: str, series_instance_uid: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    found = access.get_series(entry, series_instance_uid)
    note_read(found.study, by=entry.user, kind=StudyRead.Kind.VIEWED)
    context = {
        "project": entry.project,
        "series": found,
        "outage": outage_of(found.archive),
        "ohif_url": address_of_series(found),
        "may_run": entry.may_work and found.modality not in DERIVED_MODALITIES,
        **series_context(found, request.GET),
    }
    return render(request, "datasets/series.html", context)


@require_safe
def attributes(request: HttpRequest, namespace: str, series_instance_uid: str, sop_instance_uid: str) -> HttpResponse:
    """The DICOM attributes of one object."""
    entry = enter(signed_in(request), namespace)
    found = access.get_series(entry, series_instance_uid)
    instance = access.get_instance(found, sop_instance_uid)
    note_read(found.study, by=entry.user, kind=StudyRead.Kind.VIEWED)
    rows = list(islice(tags.rows_of(metadata_of(instance)), tags.MAX_ROWS + 1))
    context = {
        "project": entry.project,
        "series": found,
        "instance": instance,
        "rows": rows[: tags.MAX_ROWS],
        "is_cut": len(rows) > tags.MAX_ROWS,
    }
    return render(request, "datasets/tags.html", context)


@require_safe
def upload_result(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    found = access.get_upload(entry, pk)
    context = {"project": entry.project, "upload": found, "studies": selectors.studies_of_upload(found)}
    return render(request, "datasets/upload.html", context)


@takes_files
@csrf_exempt  # _take asks for the token: finding it reads the body, which is not read for who may not upload
@require_POST
def upload(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace, at_least=Role.MEMBER)
    entry.need_work()
    size_bytes = int(request.META.get("CONTENT_LENGTH") or 0)
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        most = f"{settings.UPLOAD_MAX_BYTES // GIB} GiB"
        return _refused(request, entry, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_much(most))
    if shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free < size_bytes + LEAST_FREE_BYTES:
        return _refused(request, entry, HTTPStatus.INSUFFICIENT_STORAGE, DISK_IS_FULL)
    request.upload_handlers = [KeepOnDisk(request)]
    try:
        return _take(request, entry)
    except TooManyFilesSent:
        most = f"{settings.DATA_UPLOAD_MAX_NUMBER_FILES} files"
        return _refused(request, entry, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_much(most))
    except ArchiveUnreachable as unreachable:
        return _refused(request, entry, HTTPStatus.SERVICE_UNAVAILABLE, str(unreachable))
    except OSError as error:
        if not disk.is_full(error):
            raise
        log.exception("disk is full")
        return _refused(request, entry, HTTPStatus.INSUFFICIENT_STORAGE, DISK_IS_FULL)


@csrf_protect
def _take(request: HttpRequest, entry: Entry) -> HttpResponse:
    received = [cast(ReceivedFile, file) for file in request.FILES.getlist("files")]
    entry.need_work_still()
    files = [IncomingFile(file.path, file.name or "") for file in received]
    key = _key(request.POST.get("key", ""))
    receipt = services.receive(access.default_archive(entry), files, by=entry.user, key=key)
    address = reverse("datasets:upload_result", args=[entry.project.namespace, receipt.upload.pk])
    if request.accepts("text/html"):
        return redirect(address)
    refused = [{"name": result.name, "sentence": result.sentence} for result in receipt.refused]
    return JsonResponse(
        {
            "stored": receipt.count(Outcome.STORED),
            "present": receipt.count(Outcome.PRESENT),
            "refused": refused,
            "studies": receipt.study_instance_uids,
            "url": address,
        }
    )


@require_safe
def overlay(request: HttpRequest, namespace: str, series_instance_uid: str, sop_instance_uid: str) -> HttpResponse:
    """The mask of a segmentation series over one image, as a transparent picture; empty where nothing is segmented."""
    entry = enter(signed_in(request), namespace)
    segmentations = access.get_series(entry, series_instance_uid)
    image = access.get_image(entry, sop_instance_uid)
    note_read(image.series.study, by=entry.user, kind=StudyRead.Kind.VIEWED)
    try:
        picture = mask_over(segmentations, image, frame=_frame(request.GET.get("frame", "1")))
    except FileRefused as refusal:
        return _plain_text(refusal, HTTPStatus.NOT_ACCEPTABLE)
    except ObjectUnavailable as loss:
        return _plain_text(loss, HTTPStatus.GONE)
    except (PoolBusy, ArchiveUnreachable) as busy:
        return _plain_text(busy, HTTPStatus.SERVICE_UNAVAILABLE)
    response = HttpResponse(picture.body, content_type=picture.media_type)
    patch_cache_control(response, private=True, max_age=OVERLAY_KEPT_SECONDS)
    return response


def _key(text: str) -> uuid.UUID:
    """The key that the page gave its upload; a new one when there is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()


def _too_much(most: str) -> str:
    return f"At most {most} are taken at once; send them in parts."


def _refused(request: HttpRequest, entry: Entry, status: HTTPStatus, sentence: str) -> HttpResponse:
    if not request.accepts("text/html"):
        return JsonResponse({"detail": sentence}, status=status)
    context = {"project": entry.project, "sentence": sentence}
    return render(request, "datasets/not_taken.html", context, status=status)


def _frame(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 1


def _plain_text(error: Exception, status: HTTPStatus) -> HttpResponse:
    return HttpResponse(str(error), status=status, content_type="text/plain; charset=utf-8")
