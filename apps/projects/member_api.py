"""Members and invitations for programs: what the pages do, by the same access and services."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import signed_in
from apps.core.api import REFUSED, Conflict, ErrorSerializer, StrictSerializer, sent
from apps.core.validators import ONE_LINE
from apps.projects import invitations, member_selectors, members
from apps.projects.access import Entry, Role, enter, get_invitation, get_membership, manage_members
from apps.projects.invitations import Invitee
from apps.projects.member_forms import InvitationFilter, MemberFilter
from apps.projects.models import Invitation, Membership

WRITES = {409: ErrorSerializer, 422: ErrorSerializer, **REFUSED}
WORDS = OpenApiParameter("q", description="part of the name or e-mail address")


class MemberSerializer(serializers.ModelSerializer[Membership]):
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Membership
        fields = ["id", "name", "email", "role", "may_export", "joined_at"]


class MemberChangeSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    may_export = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not super().validate(attrs):
            raise serializers.ValidationError("Give a role, may_export, or both.")
        return attrs


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    state = serializers.ChoiceField(source="status", choices=Invitation.Status.choices)
    invited_by = serializers.CharField(source="invited_by.name")

    class Meta:
        model = Invitation
        fields = ["id", "email", "name", "role", "state", "is_open", "invited_by", "sent_at", "expires_at"]


class InviteeSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254, validators=[ONE_LINE])
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)
    name = serializers.CharField(max_length=200, default="", allow_blank=True, validators=[ONE_LINE])


class Members(generics.ListAPIView[Membership]):
    """Who is in the project, by name."""

    serializer_class = MemberSerializer
    filter_form = MemberFilter
    queryset = Membership.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[Membership]:
        return enter(signed_in(self.request), self.kwargs["namespace"]).project.memberships.all()

    def narrowed(self, rows: QuerySet[Membership], form: MemberFilter) -> QuerySet[Membership]:
        return member_selectors.matching(rows, words=form.cleaned_data["q"], role=form.cleaned_data["role"])

    @extend_schema(
        operation_id="members_list",
        parameters=[WORDS, OpenApiParameter("role", enum=Role.values)],
        responses={200: MemberSerializer(many=True), **REFUSED},
    )
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)


class MemberDetail(APIView):
    @extend_schema(operation_id="members_retrieve", responses={200: MemberSerializer, **REFUSED})
    def get(self, request: Request, namespace: str, pk: int) -> Response:
        entry = enter(signed_in(request), namespace)
        return Response(MemberSerializer(get_membership(entry, pk)).data)

    @extend_schema(
        operation_id="members_change", request=MemberChangeSerializer, responses={200: MemberSerializer, **WRITES}
    )
    def patch(self, request: Request, namespace: str, pk: int) -> Response:
        """Another role, or the right to export; for owners. 409 when the project would lose its last owner."""
        entry = manage_members(signed_in(request), namespace)
        membership, wish = get_membership(entry, pk), sent(request, MemberChangeSerializer)
        with _conflicts():
            members.change(membership, by=entry.user, **wish)
        return Response(MemberSerializer(get_membership(entry, pk)).data)

    @extend_schema(operation_id="members_remove", responses={204: None, 409: ErrorSerializer, **REFUSED})
    def delete(self, request: Request, namespace: str, pk: int) -> Response:
        """Out of the project, at once; for owners, and for everybody their own membership."""
        entry = enter(signed_in(request), namespace)
        membership = get_membership(entry, pk)
        if membership.user_id != entry.user.pk:
            entry = manage_members(entry.user, namespace)
        with _conflicts():
            members.remove_member(entry.project, membership.user, by=entry.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class HandOver(APIView):
    @extend_schema(
        operation_id="members_hand_over",
        request=None,
        responses={200: MemberSerializer, 409: ErrorSerializer, **REFUSED},
    )
    def post(self, request: Request, namespace: str, pk: int) -> Response:
        """This member becomes an owner, and you become a member."""
        entry = enter(signed_in(request), namespace, at_least=Role.OWNER)
        with _conflicts():
            members.hand_over(entry.project, to=get_membership(entry, pk).user, by=entry.user)
        return Response(MemberSerializer(get_membership(entry, pk)).data)


class Invitations(generics.ListAPIView[Invitation]):
    """Who was invited, the newest first; for owners."""

    serializer_class = InvitationSerializer
    filter_form = InvitationFilter
    queryset = Invitation.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[Invitation]:
        return self._entry().project.invitations.all()

    def narrowed(self, rows: QuerySet[Invitation], form: InvitationFilter) -> QuerySet[Invitation]:
        return member_selectors.invitations(rows, words=form.cleaned_data["q"], status=form.cleaned_data["status"])

    def _entry(self) -> Entry:
        return manage_members(signed_in(self.request), self.kwargs["namespace"])

    @extend_schema(
        operation_id="invitations_list",
        parameters=[WORDS, OpenApiParameter("status", enum=Invitation.Status.values)],
        responses={200: InvitationSerializer(many=True), **REFUSED},
    )
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)

    @extend_schema(
        operation_id="invitations_make", request=InviteeSerializer, responses={201: InvitationSerializer, **WRITES}
    )
    def post(self, request: Request, namespace: str) -> Response:
        """Invite somebody by e-mail. 409 for who is in the project, invited already, or mailed enough today."""
        entry, wish = self._entry(), sent(request, InviteeSerializer)
        invitee = Invitee(wish["email"].lower(), Role(wish["role"]), wish["name"])
        with _conflicts():
            invitation = invitations.invite(entry.project, invitee, by=entry.user)
        return Response(InvitationSerializer(invitation).data, status=status.HTTP_201_CREATED)


class InvitationDetail(APIView):
    @extend_schema(operation_id="invitations_retrieve", responses={200: InvitationSerializer, **REFUSED})
    def get(self, request: Request, namespace: str, pk: int) -> Response:
        entry = manage_members(signed_in(request), namespace)
        return Response(InvitationSerializer(get_invitation(entry, pk)).data)

    @extend_schema(operation_id="invitations_revoke", responses={204: None, 409: ErrorSerializer, **REFUSED})
    def delete(self, request: Request, namespace: str, pk: int) -> Response:
        """Take it back: the link opens nothing any more. 409 when it was answered."""
        entry = manage_members(signed_in(request), namespace)
        with _conflicts():
            invitations.revoke(get_invitation(entry, pk), by=entry.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Resend(APIView):
    @extend_schema(
        operation_id="invitations_resend",
        request=None,
        responses={200: InvitationSerializer, 409: ErrorSerializer, **REFUSED},
    )
    def post(self, request: Request, namespace: str, pk: int) -> Response:
        """A new link for another 14 days; not more often than once a minute."""
        entry = manage_members(signed_in(request), namespace)
        with _conflicts():
            invitations.resend(get_invitation(entry, pk), by=entry.user)
        return Response(InvitationSerializer(get_invitation(entry, pk)).data)


@contextmanager
def _conflicts() -> Iterator[None]:
    try:
        yield
    except members.MembersRefused as refused:
        raise Conflict(str(refused)) from refused
