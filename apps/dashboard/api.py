"""The audit for programs: what the pages show, by the same access and the same filter."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, generics, pagination, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.access import require_to_look, signed_in
from apps.audit.models import Entry
from apps.audit.selectors import matching
from apps.core.api import REFUSED
from apps.dashboard.audit_lines import lines_of
from apps.dashboard.forms import AuditFilterForm
from apps.projects.access import enter_settings
from apps.projects.models import Project

FILTERS = [
    OpenApiParameter("person", description="e-mail address, or part of the name"),
    OpenApiParameter("action"),
    OpenApiParameter("since", description="first day: YYYY-MM-DD"),
    OpenApiParameter("until", description="last day: YYYY-MM-DD"),
]
PROJECT_FILTER = OpenApiParameter("project", description="namespace, or part of the name")


class Newest(pagination.CursorPagination):
    """By where the last page ended, so that the last of a million rows costs what the first does."""

    ordering = ("-at", "-pk")
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000

    def decode_cursor(self, request: Request) -> pagination.Cursor | None:
        """Raises NotFound, as for a cursor that cannot be read, for one that stands at no time."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                datetime.fromisoformat(str(cursor.position)).astimezone(UTC)
            except (ValueError, OverflowError) as error:
                raise exceptions.NotFound(self.invalid_cursor_message) from error
        return cursor


class LineSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    person = serializers.EmailField(source="actor.email", default=None, allow_null=True)
    action = serializers.CharField(source="entry.action")
    project = serializers.CharField(source="project.namespace", default=None, allow_null=True)
    subject_type = serializers.CharField(source="entry.subject_type")
    subject_id = serializers.IntegerField(source="entry.subject_pk", allow_null=True)
    subject = serializers.CharField()
    address = serializers.IPAddressField(source="entry.address", allow_null=True)
    request_id = serializers.CharField(source="entry.request_id")
    detail = serializers.DictField(source="entry.detail")


class Audit(generics.GenericAPIView[Entry]):
    """Who did what, newest first; for administrators and support."""

    serializer_class = LineSerializer
    pagination_class = Newest
    queryset = Entry.objects.none()
    project: Project | None = None

    @extend_schema(
        operation_id="audit_list",
        parameters=[*FILTERS, PROJECT_FILTER],
        responses={200: LineSerializer(many=True), **REFUSED},
    )
    def get(self, request: Request) -> Response:
        require_to_look(signed_in(request))
        return self._page()

    def filter_form(self, asked: QueryDict) -> AuditFilterForm:
        return AuditFilterForm(asked, project=self.project)

    def narrowed(self, _rows: QuerySet[Entry], form: AuditFilterForm) -> QuerySet[Entry]:
        return matching(form.wanted())

    def _page(self) -> Response:
        found = self.filter_queryset(self.get_queryset())
        lines = lines_of(self.paginate_queryset(found) or [])
        return self.get_paginated_response(LineSerializer(lines, many=True).data)


class ProjectAudit(Audit):
    """A project's part of the audit; for its owners, administrators and support."""

    @extend_schema(
        operation_id="project_audit_list",
        parameters=FILTERS,
        responses={200: LineSerializer(many=True), **REFUSED},
    )
    def get(self, request: Request, namespace: str) -> Response:  # type: ignore[override]
        self.project = enter_settings(signed_in(request), namespace).project
        return self._page()
