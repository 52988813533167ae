from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts.bearer import insufficient
from apps.accounts.models import ApiToken

if TYPE_CHECKING:  # the framework's views load their permissions while they load
    from rest_framework.views import APIView


class TokenScope(BasePermission):
    """An API token reads with the scope `read` and changes with `write`; a session is not limited by scopes."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        scope = ApiToken.Scope.READ if request.method in SAFE_METHODS else ApiToken.Scope.WRITE
        self.message = insufficient(scope)
        return request.auth.covers(scope)
