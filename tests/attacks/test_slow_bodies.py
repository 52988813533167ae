"""Bodies that are still coming when the door closes: nothing of them is stored."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from apps.accounts.models import User
from apps.archives.models import Instance
from apps.archives.services import ensure_archive
from apps.projects import lifecycle, members
from apps.projects.models import Project
from tests.archives.dicomweb import STOW_TYPE, multipart
from tests.conftest import ClientOf
from tests.datasets.uploads.sending import waiting_on_disk
from tests.dicom import ct_series

pytestmark = pytest.mark.attacks


class Slow(BytesIO):
    """Something happens after the body's first bytes have come."""

    def __init__(self, body: bytes, then: Callable[[], object]) -> None:
        super().__init__(body)
        self._then = [then]

    def read(self, *arguments: Any) -> bytes:
        if self._then:
            self._then.pop()()
        return super().read(*arguments)


@pytest.fixture
def closing(project: Project, admin: User, alice: User, bob: User) -> dict[str, tuple[Callable[[], object], int]]:
    """What closes the door, and how the answer says so."""
    return {
        "suspended": (lambda: lifecycle.suspend(project, by=admin, why="Stop"), 403),
        "deleted": (lambda: lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice), 404),
        "removed": (lambda: members.remove_member(project, bob, by=alice), 404),
    }


@pytest.mark.parametrize("way", ["upload", "stow"])
@pytest.mark.parametrize("what", ["suspended", "deleted", "removed"])
def test_nothing_is_stored_after_the_door_has_closed(
    project: Project,
    bob: User,
    client_of: ClientOf,
    closing: dict[str, tuple[Callable[[], object], int]],
    tmp_path: Path,
    way: str,
    what: str,
) -> None:
    ensure_archive(project)
    paths = ct_series(tmp_path, slices=2).paths
    body, content_type, address = multipart([path.read_bytes() for path in paths]), STOW_TYPE, "dicomweb/studies"
    if way == "upload":
        with paths[0].open("rb") as file:
            body, content_type = encode_multipart(BOUNDARY, {"files": file}), MULTIPART_CONTENT
        address = "data/upload/"
    close, status = closing[what]
    left_by_others = waiting_on_disk()
    sent = {"wsgi.input": Slow(body, close), "CONTENT_LENGTH": str(len(body))}
    answer = client_of(bob).post(f"/projects/cardiac-mr/{address}", content_type=content_type, **sent)
    assert answer.status_code == status
    assert not Instance.objects.exists()
    assert waiting_on_disk() == left_by_others
