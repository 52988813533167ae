"""What a person can do with many studies at once.

A room adds its own in `ready()` of its AppConfig; the page lists what there is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from apps.archives.models import Archive, Study
from apps.projects.access import Entry


@dataclass(frozen=True)
class Chosen:
    """Studies of one archive, with their patient and without what is heavy, that a person inside its project chose."""

    entry: Entry
    archive: Archive
    studies: QuerySet[Study]
    count: int


@dataclass(frozen=True)
class StudyAction:
    """`run` answers the request that asked for it; it is not asked by who is not offered it, nor with too many."""

    name: str
    label: str
    icon: str
    is_offered: Callable[[Entry, Archive], bool]
    run: Callable[[HttpRequest, Chosen], HttpResponseBase]
    most: int | None = None  # studies at once


_actions: dict[str, StudyAction] = {}


def register(*actions: StudyAction) -> None:
    """Twice is once."""
    _actions.update({action.name: action for action in actions})


def offered(entry: Entry, archive: Archive) -> list[StudyAction]:
    return [action for action in _actions.values() if action.is_offered(entry, archive)]


def find(entry: Entry, archive: Archive, name: str) -> StudyAction:
    """Raises Http404 for one that there is not, and PermissionDenied where it is not for this person."""
    if name not in _actions:
        raise Http404
    if not _actions[name].is_offered(entry, archive):
        raise PermissionDenied("This is not for you to do with these images.")
    return _actions[name]
