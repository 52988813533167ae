"""Who may send files, and how large ones: told before a byte of them is read."""

import shutil
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from apps.accounts.access import signed_in
from apps.core.units import GIB
from apps.projects.access import Entry, Role, enter

LEAST_FREE_BYTES = 200 * 1024**2


@dataclass(frozen=True)
class Refusal:
    """Of a whole request."""

    status: HTTPStatus
    sentence: str

    def as_json(self) -> JsonResponse:
        return JsonResponse({"detail": self.sentence}, status=self.status)


DISK_IS_FULL = Refusal(
    HTTPStatus.INSUFFICIENT_STORAGE,
    "The disk of this portal is full. What it had stored before stays; ask an administrator for space.",
)


def enter_to_send(request: HttpRequest, namespace: str) -> Entry:
    """Raises as `enter` and `need_work` do."""
    entry = enter(signed_in(request), namespace, at_least=Role.MEMBER)
    entry.need_work()
    return entry


def refusal_of_size(size_bytes: int, *, needed_bytes: int) -> Refusal | None:
    """For what is larger than the portal takes, or than the space that it has left for people."""
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        return too_much(f"{settings.UPLOAD_MAX_BYTES // GIB} GiB")
    if shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free < needed_bytes + LEAST_FREE_BYTES:
        return DISK_IS_FULL
    return None


def too_much(most: str) -> Refusal:
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {most} are taken at once; send them in parts.")
