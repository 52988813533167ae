from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from apps.accounts.access import signed_in
from apps.archives.models import StudyRead
from apps.archives.selectors import DERIVED_MODALITIES, outage_of
from apps.archives.services import (
    ArchiveUnreachable,
    FileRefused,
    ObjectUnavailable,
    PoolBusy,
    note_read,
)
from apps.datasets import access
from apps.datasets.series.page import series_context
from apps.datasets.series.pictures import mask_over
from apps.datasets.series.stacks import number_asked
from apps.datasets.series.tags_page import tags_context
from apps.projects.access import enter
from apps.viewer.addresses import address_of_series

OVERLAY_KEPT_SECONDS = 3600


@require_safe
def series(request: HttpRequest, namespace: str, series_instance_uid: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    found = access.get_series(entry, series_instance_uid, archive_name=access.named_archive(request.GET))
    note_read(found.study, by=entry.user, kind=StudyRead.Kind.VIEWED)
    context = {
        "project": entry.project,
        "series": found,
        "outage": outage_of(found.archive),
        "ohif_url": address_of_series(found),
        "may_export": entry.may_export,
        "may_run": entry.may_work and found.modality not in DERIVED_MODALITIES,
        **series_context(found, request.GET),
    }
    return render(request, "datasets/series.html", context)


@require_safe
def attributes(request: HttpRequest, namespace: str, series_instance_uid: str, sop_instance_uid: str) -> HttpResponse:
    """The DICOM attributes of one object."""
    entry = enter(signed_in(request), namespace)
    found = access.get_series(entry, series_instance_uid, archive_name=access.named_archive(request.GET))
    instance = access.get_instance(found, sop_instance_uid)
    note_read(found.study, by=entry.user, kind=StudyRead.Kind.VIEWED)
    context = {
        "project": entry.project,
        "series": found,
        "instance": instance,
        **tags_context(found, instance, request.GET),
    }
    return render(request, "datasets/tags.html", context)


@require_safe
def overlay(request: HttpRequest, namespace: str, series_instance_uid: str, sop_instance_uid: str) -> HttpResponse:
    """The mask of a segmentation series over one image, as a transparent picture; empty where nothing is segmented."""
    entry = enter(signed_in(request), namespace)
    archive_name = access.named_archive(request.GET)
    segmentations = access.get_series(entry, series_instance_uid, archive_name=archive_name)
    image = access.get_image(entry, sop_instance_uid, archive_name=archive_name)
    note_read(image.series.study, by=entry.user, kind=StudyRead.Kind.VIEWED)
    try:
        picture = mask_over(segmentations, image, frame=number_asked(request.GET.get("frame", "")))
    except FileRefused as refusal:
        return _plain_text(refusal, HTTPStatus.NOT_ACCEPTABLE)
    except ObjectUnavailable as loss:
        return _plain_text(loss, HTTPStatus.GONE)
    except (PoolBusy, ArchiveUnreachable) as busy:
        return _plain_text(busy, HTTPStatus.SERVICE_UNAVAILABLE)
    response = HttpResponse(picture.body, content_type=picture.media_type)
    patch_cache_control(response, private=True, max_age=OVERLAY_KEPT_SECONDS)
    return response


def _plain_text(error: Exception, status: HTTPStatus) -> HttpResponse:
    return HttpResponse(str(error), status=status, content_type="text/plain; charset=utf-8")
