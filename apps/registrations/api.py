"""Requests and decisions for programs: the same forms, access and services as the pages."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.accounts.access import signed_in
from apps.accounts.models import User
from apps.core.api import Conflict, ErrorSerializer, Unprocessable, sent, sentence_of
from apps.core.state import IllegalTransition
from apps.registrations import decisions, selectors, services
from apps.registrations.access import as_seen, for_reader, get_own, own_of, visible_to
from apps.registrations.api_serializers import (
    AnswerSerializer,
    ChangesSerializer,
    EditSerializer,
    GrantSerializer,
    JoinSerializer,
    NewProjectSerializer,
    RegistrationDetailSerializer,
    RegistrationSerializer,
    RejectSerializer,
)
from apps.registrations.console import approving, outcome
from apps.registrations.console_forms import FilterForm, as_asked
from apps.registrations.forms import ApplicantForm, JoinForm, RegistrationForm, as_written
from apps.registrations.models import Registration

MADE = {201: RegistrationDetailSerializer}
CHANGED = {200: RegistrationDetailSerializer, 409: ErrorSerializer}
FILTERS = [
    OpenApiParameter("status", enum=Registration.Status.values, description="only in this state"),
    OpenApiParameter("kind", enum=Registration.Kind.values, description="only of this kind"),
    OpenApiParameter("older", int, enum=[3, 7, 30], description="only those for more than so many days in their state"),
    OpenApiParameter("q", description="words to look for in project, namespace, name and address"),
]


class Registrations(generics.ListAPIView[Registration]):
    """Your own requests, newest first."""

    serializer_class = RegistrationSerializer
    queryset = Registration.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[Registration]:
        return own_of(signed_in(self.request)).order_by("-pk")

    @extend_schema(operation_id="registrations_submit", request=NewProjectSerializer, responses=MADE)
    def post(self, request: Request) -> Response:
        """Ask for a new project."""
        return _submit(request, NewProjectSerializer, RegistrationForm)


class JoinRegistrations(APIView):
    @extend_schema(operation_id="registrations_join", request=JoinSerializer, responses=MADE)
    def post(self, request: Request) -> Response:
        """Ask to join a project. The answer does not tell whether there is one of that name."""
        return _submit(request, JoinSerializer, JoinForm)


class RegistrationDetail(APIView):
    @extend_schema(operation_id="registrations_retrieve", responses=RegistrationDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One of your own requests, with what happened to it."""
        return _shown(get_own(signed_in(request), pk))

    @extend_schema(operation_id="registrations_edit", request=EditSerializer, responses=CHANGED)
    def patch(self, request: Request, pk: int) -> Response:
        """Change one of your own requests and send it back to who decides; 409 unless you were asked for changes."""
        user = signed_in(request)
        registration = get_own(user, pk)
        return _change(registration, partial(_edit, registration, sent(request, EditSerializer), by=user))


class WithdrawRegistration(APIView):
    @extend_schema(operation_id="registrations_withdraw", request=None, responses=CHANGED)
    def post(self, request: Request, pk: int) -> Response:
        """Take one of your own requests back; 409 once it is decided."""
        user = signed_in(request)
        registration = get_own(user, pk)
        return _change(registration, partial(services.withdraw, registration, by=user))


class AnswerRegistration(APIView):
    @extend_schema(operation_id="registrations_answer", request=AnswerSerializer, responses=CHANGED)
    def post(self, request: Request, pk: int) -> Response:
        """Answer what you were asked; 409 unless you were."""
        user = signed_in(request)
        registration = get_own(user, pk)
        text = sent(request, AnswerSerializer)["answer"]
        return _change(registration, partial(services.answer, registration, text=text, by=user))


class Approvals(generics.ListAPIView[Registration]):
    """The requests on which you decide, or which you may see."""

    serializer_class = RegistrationSerializer
    filter_form = FilterForm
    queryset = Registration.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[Registration]:
        return visible_to(signed_in(self.request))

    def narrowed(self, rows: QuerySet[Registration], form: FilterForm) -> QuerySet[Registration]:
        return selectors.matching(rows, **form.cleaned_data)

    @extend_schema(operation_id="approvals_list", parameters=FILTERS)
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)


class ApprovalDetail(APIView):
    @extend_schema(operation_id="approvals_retrieve", responses=RegistrationDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return _shown(for_reader(signed_in(request), pk))


class Approve(APIView):
    @extend_schema(operation_id="approvals_approve", request=GrantSerializer, responses=CHANGED)
    def post(self, request: Request, pk: int) -> Response:
        """Grant what is asked, or something else; 409 says who was first, or what stands against it."""
        registration = _seen(request, pk)
        form = as_asked(registration, changed=sent(request, GrantSerializer))
        _need(form)
        return _decide(request, registration, approving(registration, form, by=signed_in(request)))


class Reject(APIView):
    @extend_schema(operation_id="approvals_reject", request=RejectSerializer, responses=CHANGED)
    def post(self, request: Request, pk: int) -> Response:
        """Reject with a reason, which is mailed to the requester."""
        registration = _seen(request, pk)
        reason = sent(request, RejectSerializer)["reason"]
        act = partial(decisions.reject, registration, reason=reason, by=signed_in(request))
        return _decide(request, registration, act)


class AskForChanges(APIView):
    @extend_schema(operation_id="approvals_ask_for_changes", request=ChangesSerializer, responses=CHANGED)
    def post(self, request: Request, pk: int) -> Response:
        """Send the request back with a message, which is mailed to the requester."""
        registration = _seen(request, pk)
        message = sent(request, ChangesSerializer)["message"]
        act = partial(decisions.ask_for_changes, registration, message=message, by=signed_in(request))
        return _decide(request, registration, act)


def _seen(request: Request, pk: int) -> Registration:
    """The request as the program saw it. Raises Http404 for who may not decide."""
    version = request.data.get("version", "") if isinstance(request.data, dict) else ""
    return as_seen(signed_in(request), pk, version if isinstance(version, str) else "")


def _submit(request: Request, serializer_class: type[Serializer[Any]], form_class: type[ApplicantForm]) -> Response:
    user = signed_in(request)
    form = form_class(sent(request, serializer_class), user=user)
    _need(form)
    try:
        registration = services.submit(form.application(), by=user)
    except (services.NamespaceTaken, services.JoinRefused) as refused:
        raise Unprocessable(f"namespace: {refused}") from refused
    return Response(RegistrationDetailSerializer(registration).data, status=status.HTTP_201_CREATED)


def _edit(registration: Registration, changed: dict[str, Any], *, by: User) -> None:
    if registration.status != Registration.Status.CHANGES_REQUESTED:
        raise IllegalTransition(registration, Registration.Status.EMAIL_VERIFIED)
    form = as_written(registration, changed)
    _need(form)
    services.amend(registration, form.application(), by=by)


def _need(form: forms.Form) -> None:
    if not form.is_valid():
        raise Unprocessable(sentence_of(form.errors))


def _change(registration: Registration, act: Callable[[], object]) -> Response:
    try:
        act()
    except IllegalTransition as moved:
        registration.refresh_from_db()
        raise Conflict(f"The request stands otherwise: {registration.badge.word.lower()}.") from moved
    except (services.NamespaceTaken, services.JoinRefused) as refused:
        raise Conflict(str(refused)) from refused
    return _shown(registration)


def _decide(request: Request, registration: Registration, act: Callable[[], object]) -> Response:
    is_done, sentence = outcome(registration, act, "", by=signed_in(request))
    if not is_done:
        raise Conflict(sentence)
    return _shown(registration)


def _shown(registration: Registration) -> Response:
    return Response(RegistrationDetailSerializer(registration).data)
