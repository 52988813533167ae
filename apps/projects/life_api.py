"""The life of projects for programs: the same access and services as the pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import signed_in
from apps.core.api import REFUSED, Conflict, ErrorSerializer, StrictSerializer, Unprocessable, sent
from apps.core.state import IllegalTransition
from apps.projects import granting, lifecycle
from apps.projects.access import Entry, Role, enter_any, enter_settings, extension_to_decide, visible_extensions
from apps.projects.api_serializers import (
    DeletionSerializer,
    DescriptionSerializer,
    ExtensionGrantSerializer,
    ExtensionRefusalSerializer,
    ExtensionSerializer,
    ExtensionWishSerializer,
    ProjectChangeSerializer,
    ProjectDetailSerializer,
    ResourcesSerializer,
    WhySerializer,
)
from apps.projects.models import ExtensionRequest, Project, ProjectChange
from apps.projects.services import Resources, describe

Action = ProjectChange.Action
UNREADABLE = {400: ErrorSerializer, 415: ErrorSerializer, 422: ErrorSerializer}
SHOWN = {200: ProjectDetailSerializer, **REFUSED}
TURNED = {**SHOWN, **UNREADABLE, 409: ErrorSerializer}
DECIDED = {200: ExtensionSerializer, **REFUSED, **UNREADABLE, 409: ErrorSerializer}


class ProjectDetail(APIView):
    @extend_schema(operation_id="projects_retrieve", responses=SHOWN)
    def get(self, request: Request, namespace: str) -> Response:
        """One project; one that is to be deleted for its owners alone."""
        return _shown(enter_any(signed_in(request), namespace).project)

    @extend_schema(operation_id="projects_describe", request=DescriptionSerializer, responses={**SHOWN, **UNREADABLE})
    def patch(self, request: Request, namespace: str) -> Response:
        """Describe the project anew; for owners."""
        entry = _owner(request, namespace)
        describe(entry.project, sent(request, DescriptionSerializer)["description"], by=entry.user)
        return _shown(entry.project)


class Changes(generics.ListAPIView[ProjectChange]):
    """How a project's life went on, newest first; for owners."""

    serializer_class = ProjectChangeSerializer
    queryset = ProjectChange.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[ProjectChange]:
        project = enter_settings(signed_in(self.request), self.kwargs["namespace"]).project
        return project.changes.select_related("by").order_by("-pk")

    @extend_schema(operation_id="projects_changes", responses={200: ProjectChangeSerializer(many=True), **REFUSED})
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)


class Suspend(APIView):
    @extend_schema(operation_id="projects_suspend", request=WhySerializer, responses=TURNED)
    def post(self, request: Request, namespace: str) -> Response:
        """Stop everything of a project and keep it; for administrators."""
        return _turn(request, namespace, Action.SUSPEND, lifecycle.suspend, WhySerializer)


class Resume(APIView):
    @extend_schema(operation_id="projects_resume", request=None, responses=TURNED)
    def post(self, request: Request, namespace: str) -> Response:
        """End a suspension; for administrators."""
        return _turn(request, namespace, Action.RESUME, lifecycle.resume)


class ArchiveProject(APIView):
    @extend_schema(operation_id="projects_archive", request=WhySerializer, responses=TURNED)
    def post(self, request: Request, namespace: str) -> Response:
        """Remove workspaces and models, keep the images; for owners."""
        return _turn(request, namespace, Action.ARCHIVE, lifecycle.archive, WhySerializer)


class Restore(APIView):
    @extend_schema(operation_id="projects_restore", request=None, responses=TURNED)
    def post(self, request: Request, namespace: str) -> Response:
        """Put an archived project to work again; for administrators."""
        return _turn(request, namespace, Action.RESTORE, lifecycle.restore)


class ScheduleDeletion(APIView):
    @extend_schema(operation_id="projects_delete", request=DeletionSerializer, responses=TURNED)
    def post(self, request: Request, namespace: str) -> Response:
        """Have the project deleted after the grace period; for owners."""
        return _turn(request, namespace, Action.SCHEDULE_DELETION, lifecycle.schedule_deletion, DeletionSerializer)


class UndoDeletion(APIView):
    @extend_schema(operation_id="projects_undo_deletion", request=None, responses=TURNED)
    def post(self, request: Request, namespace: str) -> Response:
        """Keep a project that was to be deleted; for owners."""
        return _turn(request, namespace, Action.UNDO_DELETION, lifecycle.undo_deletion)


class ProjectResources(APIView):
    @extend_schema(operation_id="projects_grant", request=ResourcesSerializer, responses=TURNED)
    def put(self, request: Request, namespace: str) -> Response:
        """Grant other resources; for administrators. 409 once the project is to be deleted."""
        entry = enter_settings(signed_in(request), namespace)
        entry.need_administrator()
        granted = Resources(**sent(request, ResourcesSerializer))
        with _refusals():
            granting.grant_resources(entry.project, granted, by=entry.user)
        return _shown(Project.objects.get(pk=entry.project.pk))


class ProjectExtensions(generics.ListAPIView[ExtensionRequest]):
    """What was asked for the project, newest first; for owners."""

    serializer_class = ExtensionSerializer
    queryset = ExtensionRequest.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[ExtensionRequest]:
        project = enter_settings(signed_in(self.request), self.kwargs["namespace"]).project
        return project.extension_requests.select_related("project", "asked_by", "decided_by").order_by("-pk")

    @extend_schema(operation_id="projects_extensions", responses={200: ExtensionSerializer(many=True), **REFUSED})
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)

    @extend_schema(
        operation_id="projects_ask_extension",
        request=ExtensionWishSerializer,
        responses={201: ExtensionSerializer, **REFUSED, **UNREADABLE, 409: ErrorSerializer},
    )
    def post(self, request: Request, namespace: str) -> Response:
        """Ask for more time; for owners. 409 while an earlier request waits."""
        entry = _owner(request, namespace)
        wish = sent(request, ExtensionWishSerializer)
        with _refusals():
            asked = granting.ask_extension(entry.project, **wish, by=entry.user)
        return Response(ExtensionSerializer(asked).data, status=status.HTTP_201_CREATED)


class WithdrawExtension(APIView):
    @extend_schema(operation_id="projects_withdraw_extension", request=None, responses=DECIDED)
    def post(self, request: Request, namespace: str, pk: int) -> Response:
        """Take a request for more time back; for owners. 409 once it is decided."""
        entry = _owner(request, namespace)
        asked = get_object_or_404(entry.project.extension_requests, pk=pk)
        with _refusals():
            granting.withdraw_extension(asked, by=entry.user)
        return Response(ExtensionSerializer(asked).data)


class Extensions(generics.ListAPIView[ExtensionRequest]):
    """Every request for more time, newest first; for approvers."""

    serializer_class = ExtensionSerializer
    queryset = ExtensionRequest.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[ExtensionRequest]:
        return visible_extensions(signed_in(self.request)).order_by("-pk")

    @extend_schema(operation_id="extensions_list", responses={200: ExtensionSerializer(many=True), **REFUSED})
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)


class GrantExtension(APIView):
    @extend_schema(operation_id="extensions_grant", request=ExtensionGrantSerializer, responses=DECIDED)
    def post(self, request: Request, pk: int) -> Response:
        """Give the project this last day; 409 when it is decided already, or your own request."""
        return _decide(request, pk, granting.grant_extension, ExtensionGrantSerializer)


class RefuseExtension(APIView):
    @extend_schema(operation_id="extensions_refuse", request=ExtensionRefusalSerializer, responses=DECIDED)
    def post(self, request: Request, pk: int) -> Response:
        """Refuse with a reason; 409 when it is decided already, or your own request."""
        return _decide(request, pk, granting.refuse_extension, ExtensionRefusalSerializer)


def _turn(
    request: Request,
    namespace: str,
    action: Action,
    verb: Callable[..., None],
    serializer: type[StrictSerializer] = StrictSerializer,
) -> Response:
    entry = enter_settings(signed_in(request), namespace)
    entry.need_turn(action)
    wish = sent(request, serializer)
    with _refusals():
        verb(entry.project, **wish, by=entry.user)
    return _shown(entry.project)


def _decide(request: Request, pk: int, verb: Callable[..., None], serializer: type[StrictSerializer]) -> Response:
    user = signed_in(request)
    asked, decision = extension_to_decide(user, pk), sent(request, serializer)
    with _refusals():
        verb(asked, **decision, by=user)
    return Response(ExtensionSerializer(asked).data)


@contextmanager
def _refusals() -> Iterator[None]:
    """422 where something else could be sent, 409 where nothing else would do."""
    try:
        yield
    except IllegalTransition as moved:
        raise Conflict("It had moved on already: look at it again.") from moved
    except lifecycle.LifeRefused as refused:
        raise (Unprocessable if refused.field else Conflict)(str(refused)) from refused


def _owner(request: Request, namespace: str) -> Entry:
    entry = enter_settings(signed_in(request), namespace)
    entry.need(Role.OWNER)
    return entry


def _shown(project: Project) -> Response:
    return Response(ProjectDetailSerializer(Project.objects.select_related("allocation").get(pk=project.pk)).data)
