"""Trying the addresses of a project's archive for a person, in a task: whether they answer, what, and how fast."""

import time
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive, DicomDevice
from apps.archives.selectors import ae_title_of
from apps.archives.services import ArchiveUnreachable, probe, search_studies
from apps.audit.services import record
from apps.core.doorbell import ring
from apps.datasets.models import ConnectionTest
from apps.integrations.dimse.client import Echo, echo
from apps.projects.models import Project
from apps.workspaces.selectors import Dimse, dimse_of

TASK = "datasets.test_connection"
KEPT = timedelta(days=1)
# Where the portal itself is no listed device.
OWN_AE_TITLE = "MAIA"
Tried = tuple[bool, str]


def ask_test(project: Project, *, by: User) -> ConnectionTest:
    """One at a time in a project: who asks while one is under way gets that."""
    with transaction.atomic():
        asked, is_new = ConnectionTest.objects.get_or_create(project=project, answered_at=None, defaults={"by": by})
        if is_new:
            ConnectionTest.objects.filter(project=project).exclude(pk=asked.pk).delete()
            record("archive.connection_tested", actor=by.pk, project=project.pk, subject=asked)
            ring(TASK, asked.pk)
    return asked


def test_connection(asked: ConnectionTest) -> None:
    """Twice is once."""
    if asked.answered_at:
        return
    archive = Archive.objects.select_related("project").get(project=asked.project_id, is_default=True)
    tries = {"QIDO-RS": lambda: _search(archive)}
    dimse = dimse_of(archive.project)
    if dimse and dimse.host:
        tries["C-ECHO"] = lambda: _echo(archive.project, dimse)
    asked.answers = [_timed(name, act) for name, act in tries.items()]
    asked.answered_at = timezone.now()
    asked.save(update_fields=["answers", "answered_at"])


def sweep() -> None:
    """Rings for what waits still, and forgets what was asked long ago."""
    ConnectionTest.objects.filter(asked_at__lt=timezone.now() - KEPT).delete()
    for pk in ConnectionTest.objects.filter(answered_at=None).values_list("pk", flat=True):
        ring(TASK, pk)


def _timed(name: str, act: Callable[[], Tried]) -> dict[str, str | int | bool]:
    started = time.perf_counter()
    is_good, sentence = act()
    milliseconds = round((time.perf_counter() - started) * 1000)
    return {"name": name, "is_good": is_good, "sentence": sentence, "milliseconds": milliseconds}


def _search(archive: Archive) -> Tried:
    """The server that holds the images is asked as well, where there is one."""
    try:
        probe(archive)
        found = search_studies(archive)
    except ArchiveUnreachable as unreachable:
        return False, str(unreachable)
    return True, f"{found} stud{'y' if found == 1 else 'ies'} found."


def _echo(project: Project, dimse: Dimse) -> Tried:
    device = DicomDevice.objects.filter(project=project).first()
    calling = device.ae_title if device else OWN_AE_TITLE
    found = echo(dimse.host, dimse.port, called_ae_title=ae_title_of(project), calling_ae_title=calling)
    return found is not Echo.SILENT, found.value
