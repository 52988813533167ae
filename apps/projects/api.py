from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.access import signed_in
from apps.core.api import ErrorSerializer
from apps.projects.access import visible_projects
from apps.projects.api_serializers import ProjectSerializer
from apps.projects.models import Project


class Projects(generics.ListAPIView[Project]):
    """The projects that you have a part in."""

    serializer_class = ProjectSerializer
    request: Request

    def get_queryset(self) -> QuerySet[Project]:
        return visible_projects(signed_in(self.request))

    @extend_schema(
        operation_id="projects_list",
        responses={200: ProjectSerializer(many=True), 401: ErrorSerializer, 403: ErrorSerializer},
    )
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)
