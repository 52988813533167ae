"""What is audited of reads. HEAD reads nothing."""

from collections.abc import Sequence

from django.http import HttpRequest

from apps.archives.access import Visit
from apps.archives.models import Instance, Series, Study, StudyRead
from apps.archives.services import note_export, note_reads


def viewed(request: HttpRequest, visitor: Visit, *studies: Study) -> None:
    """What says much of studies, and not yet their pixels."""
    _read(request, visitor, studies, StudyRead.Kind.VIEWED)


def pixels(request: HttpRequest, visitor: Visit, study: Study) -> None:
    _read(request, visitor, [study], visitor.kind)


def exported(request: HttpRequest, visitor: Visit, subject: Study | Series | Instance) -> None:
    """Whole objects, each time."""
    if request.method != "HEAD":
        note_export(subject, by=visitor.user)


def _read(request: HttpRequest, visitor: Visit, studies: Sequence[Study], kind: StudyRead.Kind) -> None:
    if request.method != "HEAD":
        note_reads(studies, by=visitor.user, kind=kind)
