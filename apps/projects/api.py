from django.db.models import QuerySet
from rest_framework import generics
from rest_framework.request import Request

from apps.accounts.access import signed_in
from apps.projects.access import visible_projects
from apps.projects.api_serializers import ProjectSerializer
from apps.projects.models import Project


class Projects(generics.ListAPIView[Project]):
    """The projects that you have a part in."""

    serializer_class = ProjectSerializer
    request: Request

    def get_queryset(self) -> QuerySet[Project]:
        return visible_projects(signed_in(self.request))
