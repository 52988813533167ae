from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import services
from apps.accounts.access import get_token, signed_in
from apps.accounts.models import ApiToken, User
from apps.core.api import REFUSED, ErrorSerializer, StrictSerializer, Unprocessable, sent
from apps.core.validators import ONE_LINE


class AccountSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["email", "name", "affiliation", "position", "platform_role", "created_at"]


class ProfileSerializer(StrictSerializer):
    """What is left out stays as it is."""

    name = serializers.CharField(required=False, max_length=200, validators=[ONE_LINE])
    affiliation = serializers.CharField(required=False, allow_blank=True, max_length=200, validators=[ONE_LINE])
    position = serializers.CharField(required=False, allow_blank=True, max_length=200, validators=[ONE_LINE])


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=ApiToken.Scope.choices))

    class Meta:
        model = ApiToken
        fields = ["id", "name", "scopes", "created_at", "expires_at", "last_used_at"]


class NewTokenSerializer(TokenSerializer):
    """The only answer that ever holds the secret."""

    secret = serializers.CharField()

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]


class WishedTokenSerializer(StrictSerializer):
    name = serializers.CharField(max_length=100, validators=[ONE_LINE])
    days = serializers.IntegerField(min_value=1, max_value=services.LONGEST_TOKEN_DAYS)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=ApiToken.Scope.choices), allow_empty=False)


class Account(APIView):
    @extend_schema(operation_id="account_retrieve", responses={200: AccountSerializer, **REFUSED})
    def get(self, request: Request) -> Response:
        """Your own account."""
        return Response(AccountSerializer(signed_in(request)).data)

    @extend_schema(
        operation_id="account_change",
        request=ProfileSerializer,
        responses={200: AccountSerializer, 422: ErrorSerializer, **REFUSED},
    )
    def patch(self, request: Request) -> Response:
        """Change your profile. A name that is kept in Keycloak is changed there."""
        user = signed_in(request)
        wish = sent(request, ProfileSerializer)
        try:
            services.change_profile(user, **wish)
        except services.NameFromKeycloak as error:
            raise Unprocessable(str(error)) from error
        user.refresh_from_db()
        return Response(AccountSerializer(user).data)


class Tokens(generics.ListAPIView[ApiToken]):
    """Your API tokens, without their secrets, the newest first."""

    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[ApiToken]:
        return signed_in(self.request).api_tokens.order_by("-pk")

    @extend_schema(
        operation_id="tokens_make",
        request=WishedTokenSerializer,
        responses={201: NewTokenSerializer, 422: ErrorSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        """Make an API token. With a session only: a token makes none, since it would outlive itself."""
        if isinstance(request.auth, ApiToken):
            raise exceptions.PermissionDenied("A token makes no tokens: sign in to the portal.")
        user = signed_in(request)
        token, secret = services.make_token(user, **sent(request, WishedTokenSerializer), by=user)
        shown = {**TokenSerializer(token).data, "secret": secret}
        return Response(shown, status=status.HTTP_201_CREATED)


class Token(APIView):
    @extend_schema(operation_id="tokens_revoke", request=None, responses={204: None, **REFUSED})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke one of your tokens; also the one that asks."""
        user = signed_in(request)
        services.revoke_token(get_token(user, pk), by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)
