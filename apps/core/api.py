"""How the API says that something is not as wished: `{"detail": sentence, "request_id": …}`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from rest_framework import exceptions, pagination, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings


class Unprocessable(exceptions.APIException):
    """The request is understood and asks for something that cannot be; the sentence says why."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = "This cannot be done."
    default_code = "unprocessable"


class Conflict(exceptions.APIException):
    """What is asked for does not fit the state that the thing is in."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "This cannot be done now."
    default_code = "conflict"


class Pages(pagination.LimitOffsetPagination):
    max_limit = 1000


class StrictSerializer(serializers.Serializer[Any]):
    """Something that a program sends; a field that it does not know is refused, instead of passed over."""

    def to_internal_value(self, sent: Any) -> Any:
        unknown = sorted(sent.keys() - self.fields.keys()) if isinstance(sent, Mapping) else []
        if unknown:
            raise serializers.ValidationError({ascii(unknown[0])[:40]: ["There is no such field here."]})
        return super().to_internal_value(sent)


class ErrorSerializer(serializers.Serializer[Any]):
    """What every answer holds that is an error."""

    detail = serializers.CharField()
    request_id = serializers.CharField()


OF_NO_FIELD = (NON_FIELD_ERRORS, api_settings.NON_FIELD_ERRORS_KEY)
REFUSED = dict.fromkeys((401, 403, 404), ErrorSerializer)


def sent(request: Request, serializer_class: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
    """What was sent, as the serializer reads it. Raises Unprocessable with the first thing that is wrong."""
    serializer = serializer_class(data=request.data)
    if not serializer.is_valid():
        raise Unprocessable(sentence_of(serializer.errors))
    return dict(serializer.validated_data)


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own answer, always with one sentence and the request's id."""
    response = views.exception_handler(error, context)
    if response is not None:
        content = response.data if isinstance(response.data, dict) and "detail" in response.data else {}
        request_id = getattr(context["request"], "request_id", "")
        response.data = {"detail": content.get("detail", sentence_of(response.data)), "request_id": request_id}
    return response


def sentence_of(problems: Any) -> str:
    """The first problem that a serializer or a form found, with the field's name if it is of one."""
    if isinstance(problems, dict):
        name, problem = next(iter(problems.items()))
        return sentence_of(problem) if name in OF_NO_FIELD else f"{name}: {sentence_of(problem)}"
    return sentence_of(problems[0]) if isinstance(problems, list) else str(problems)
