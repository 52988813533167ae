"""Doors to the audit: the platform's for administrators and support, a project's part for its owners."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import require_to_look, signed_in
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.audit.selectors import Wanted, in_chunks, matching, older_than
from apps.audit.services import record
from apps.core.numbers import is_whole_number
from apps.dashboard import audit_csv
from apps.dashboard.audit_lines import lines_of
from apps.dashboard.forms import AuditFilterForm
from apps.projects.access import enter_settings
from apps.projects.models import Project

ROWS_A_PAGE = 50


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    require_to_look(signed_in(request))
    return _page(request, AuditFilterForm(request.GET), project=None)


@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    user = signed_in(request)
    require_to_look(user)
    return _file(AuditFilterForm(request.GET), by=user, project=None)


@require_safe
def project_audit(request: HttpRequest, namespace: str) -> HttpResponse:
    project = enter_settings(signed_in(request), namespace).project
    return _page(request, AuditFilterForm(request.GET, project=project), project=project)


@require_POST
def export_project(request: HttpRequest, namespace: str) -> HttpResponseBase:
    user = signed_in(request)
    project = enter_settings(user, namespace).project
    return _file(AuditFilterForm(request.GET, project=project), by=user, project=project)


def _page(request: HttpRequest, form: AuditFilterForm, *, project: Project | None) -> HttpResponse:
    rows = matching(form.wanted())
    if before := request.GET.get("before", ""):
        rows = older_than(rows, _entry(before))
    found = list(rows[: ROWS_A_PAGE + 1])
    address = _address("audit", project)
    context = {
        "form": form,
        "project": project,
        "lines": lines_of(found[:ROWS_A_PAGE]),
        "older": f"{address}?{_query(form, before=found[ROWS_A_PAGE - 1].pk)}" if len(found) > ROWS_A_PAGE else "",
        "newest": f"{address}?{_query(form)}" if before else "",
        "all_url": address,
        "export_url": f"{_address('export_audit', project)}?{_query(form)}",
    }
    return render(request, "dashboard/audit.html", context)


def _file(form: AuditFilterForm, *, by: User, project: Project | None) -> StreamingHttpResponse:
    wanted = form.wanted()
    newest = matching(wanted).first()
    record("audit.exported", actor=by.pk, project=project.pk if project else None, asked=_told(wanted))
    chunks = in_chunks(matching(wanted).filter(pk__lte=newest.pk)) if newest else []
    response = StreamingHttpResponse(audit_csv.written(chunks), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localdate():%Y-%m-%d}.csv"'
    return response


def _told(wanted: Wanted) -> dict[str, object]:
    """What was asked for, as the audit row of an export tells it."""
    return {
        "action": wanted.action,
        "people": sorted(wanted.actors or ()),
        "projects": sorted(wanted.projects or ()),
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else "",
    }


def _entry(pk: str) -> Entry:
    if not is_whole_number(pk):
        raise Http404
    return get_object_or_404(Entry, pk=pk)


def _address(name: str, project: Project | None) -> str:
    if project is None:
        return reverse(f"dashboard:{name}")
    return reverse(f"dashboard:project_{name}", args=[project.namespace])


def _query(form: AuditFilterForm, **further: object) -> str:
    return urlencode({**form.asked(), **further})
