from collections.abc import Iterator
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.http import require_POST, require_safe

from apps.core import disk
from apps.core.numbers import is_whole_number
from apps.datasets import access
from apps.datasets.uploads import parts
from apps.datasets.uploads.admission import DISK_IS_FULL, Refusal, enter_to_send, refusal_of_size

CHUNK_BYTES = 1024**2


@require_safe
def uploaded_file(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """What has become of a file so far, for who sends it."""
    file = access.get_own_file(enter_to_send(request, namespace), pk)
    return JsonResponse({"outcome": file.outcome, "sentence": file.sentence, "received_bytes": file.received_bytes})


@require_POST
def part(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """Takes the bytes of a file from `offset` on; 409 tells where the next part begins instead."""
    file = access.get_own_file(enter_to_send(request, namespace), pk)
    refusal = refusal_of_size(file.size_bytes, needed_bytes=int(request.META.get("CONTENT_LENGTH") or 0))
    if refusal:
        return refusal.as_json()
    try:
        received_bytes = parts.append(file, _offset(request.GET.get("offset", "")), _chunks(request))
    except parts.PartRefused as refused:
        return JsonResponse({"received_bytes": refused.received_bytes}, status=HTTPStatus.CONFLICT)
    except UnreadablePostError:
        return Refusal(HTTPStatus.BAD_REQUEST, "The connection ended inside the part.").as_json()
    except OSError as error:
        if not disk.is_full(error):
            raise
        return DISK_IS_FULL.as_json()
    return JsonResponse({"received_bytes": received_bytes})


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(CHUNK_BYTES):
        yield chunk


def _offset(text: str) -> int:
    """-1, where no part begins, for what is no offset."""
    return int(text) if is_whole_number(text) else -1
