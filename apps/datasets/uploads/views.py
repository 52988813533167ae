"""The pages of uploads: one's own as a list, and each by itself."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import signed_in
from apps.core import spreadsheets
from apps.datasets import access
from apps.datasets.models import UploadedFile
from apps.datasets.uploads import selectors
from apps.datasets.uploads.badges import badge_of
from apps.projects.access import enter

PAGE_LENGTH = 100
MOST_STUDIES = 100


@require_safe
def uploads(request: HttpRequest, namespace: str) -> HttpResponse:
    """The person's own, the newest first."""
    entry = enter(signed_in(request), namespace)
    page = Paginator(access.own_uploads(entry).order_by("-pk"), PAGE_LENGTH).get_page(request.GET.get("page"))
    unsettled = selectors.unsettled(page)
    rows = [(upload, badge_of(upload, unsettled[upload.pk])) for upload in page]
    return render(request, "datasets/uploads.html", {"project": entry.project, "page": page, "rows": rows})


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
        "is_forgotten": not counts and bool(found.stored_count or found.present_count or found.refused_count),
        "kept_days": settings.UPLOAD_FILES_KEPT_DAYS,
        "is_own": found.by_id == entry.user.pk,
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
