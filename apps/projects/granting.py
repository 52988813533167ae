"""Giving a project more time, less, or other resources: what administrators set, and what owners ask approvers for."""

from dataclasses import asdict
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import changed, record
from apps.projects import letters, lifecycle
from apps.projects.clock import is_near_end
from apps.projects.lifecycle import LifeRefused
from apps.projects.models import Allocation, ExtensionRequest, Project, ProjectChange
from apps.projects.services import Resources

Status = Project.Status
Action = ProjectChange.Action
Asked = ExtensionRequest.Status


class AlreadyAsked(LifeRefused):
    """One request of a project waits at a time."""

    def __init__(self) -> None:
        super().__init__("More time was asked for this project already: that request waits for a decision.")


class NotLater(LifeRefused):
    """The wished last day is none that a project could be given more time by."""

    field = "ends_on"

    def __init__(self, project: Project) -> None:
        super().__init__(f"Choose a day after {max(project.ends_on, timezone.localdate()):%d %B %Y}.")


class CannotBeExtended(LifeRefused):
    """The project is being set up, or is to be deleted."""

    def __init__(self) -> None:
        super().__init__("This project cannot be given more time now.")


class OwnRequest(LifeRefused):
    """Nobody decides on a request of their own."""

    def __init__(self) -> None:
        super().__init__("This is your own request: somebody else has to decide on it.")


class IsEnding(LifeRefused):
    """The project is to be deleted, or is being deleted."""

    def __init__(self) -> None:
        super().__init__("This project is to be deleted: nothing can be granted to it.")


def can_be_extended(project: Project) -> bool:
    """Also what is suspended or archived: with more time it goes on, if time had stopped it."""
    return project.status in Project.SET_UP


def waiting_request(project: Project) -> ExtensionRequest | None:
    """The request for more time that waits for a decision."""
    return project.extension_requests.filter(status=Asked.WAITING).select_related("asked_by").first()


def ask_extension(project: Project, *, ends_on: date, why: str, by: User) -> ExtensionRequest:
    """Asks the approvers for a later last day. Raises CannotBeExtended, AlreadyAsked and NotLater."""
    if not can_be_extended(project):
        raise CannotBeExtended
    if ends_on <= max(project.ends_on, timezone.localdate()):
        raise NotLater(project)
    try:
        with transaction.atomic():
            request = ExtensionRequest.objects.create(
                project=project, asked_by=by, ends_on=ends_on, why=why, status=Asked.WAITING
            )
            record("extension.asked", actor=by.pk, project=project.pk, subject=request, ends_on=str(ends_on))
            letters.tell_approvers(request)
    except IntegrityError as error:
        raise AlreadyAsked from error
    return request


def withdraw_extension(request: ExtensionRequest, *, by: User) -> None:
    """Raises IllegalTransition once it is decided."""
    with transaction.atomic():
        request.move_to(Asked.WITHDRAWN, by=by.pk)
        record("extension.withdrawn", actor=by.pk, project=request.project_id, subject=request)


def grant_extension(request: ExtensionRequest, *, ends_on: date, said: str = "", by: User) -> None:
    """Gives the project a later last day, which may differ from the one asked; one that time had stopped goes on.

    Raises OwnRequest, NotLater, and IllegalTransition when somebody was faster.
    """
    _refuse_own(request, by)
    if ends_on <= max(request.project.ends_on, timezone.localdate()):
        raise NotLater(request.project)
    with transaction.atomic():
        request.project.locked()
        request.move_to(Asked.GRANTED, by=by.pk, decided_by=by, said=said)
        record("extension.granted", actor=by.pk, project=request.project_id, subject=request, ends_on=str(ends_on))
        _move_last_day(request.project, ends_on, by=by)
        turn = _go_on(request.project.locked(), by=by)
        request.project.refresh_from_db()
        letters.tell_decided(request, turn=turn)


def refuse_extension(request: ExtensionRequest, *, said: str, by: User) -> None:
    """Raises OwnRequest, and IllegalTransition when somebody was faster."""
    _refuse_own(request, by)
    with transaction.atomic():
        request.move_to(Asked.REFUSED, by=by.pk, decided_by=by, said=said)
        record("extension.refused", actor=by.pk, project=request.project_id, subject=request)
        letters.tell_decided(request)


def grant(project: Project, granted: Resources, *, ends_on: date, by: User) -> None:
    """Resources and the last day: both or neither. Raises IsEnding."""
    with transaction.atomic():
        grant_resources(project, granted, by=by)
        set_last_day(project, ends_on, by=by)


def set_last_day(project: Project, ends_on: date, *, by: User) -> None:
    """One that ends soon no longer does, one that time had stopped goes on. The same day again is nothing.

    Raises IsEnding.
    """
    with transaction.atomic():
        _need_future(project)
        if change := _move_last_day(project, ends_on, by=by):
            letters.tell_granted(change, turn=_go_on(project.locked(), by=by))


def grant_resources(project: Project, granted: Resources, *, by: User) -> None:
    """What the project may use from now on; its quota on a cluster follows. The same again is nothing.

    Raises IsEnding.
    """
    with transaction.atomic():
        _need_future(project)
        allocation = Allocation.objects.select_for_update().get(project=project)
        wanted = {f"granted_{name}": value for name, value in asdict(granted).items()}
        detail: dict[str, Any] = {name: [getattr(allocation, name), value] for name, value in wanted.items()}
        detail = {name: pair for name, pair in detail.items() if pair[0] != pair[1]}
        if not detail:
            return
        Allocation.objects.filter(pk=allocation.pk).update(**wanted, granted_at=timezone.now())
        change = lifecycle.write_change(project, Action.GRANT, by=by, detail=detail)
        told = {name: changed(*pair) for name, pair in detail.items()}
        record("project.resources_granted", actor=by.pk, project=project.pk, subject=change, **told)
        letters.tell_granted(change)


def _need_future(project: Project) -> None:
    if project.locked().status in Project.HIDDEN:
        raise IsEnding


def _move_last_day(project: Project, ends_on: date, *, by: User) -> ProjectChange | None:
    locked = project.locked()
    if locked.ends_on == ends_on:
        return None
    detail: dict[str, Any] = {"ends_on": [str(locked.ends_on), str(ends_on)]}
    locked.ends_on, locked.warned_at_days = ends_on, None
    locked.save(update_fields=["ends_on", "warned_at_days"])
    change = lifecycle.write_change(locked, Action.EXTEND, by=by, detail=detail, done_at=timezone.now())
    told = changed(*detail["ends_on"])
    record("project.last_day_set", actor=by.pk, project=project.pk, subject=change, ends_on=told)
    return change


def _go_on(project: Project, *, by: User) -> ProjectChange | None:
    if project.status == Status.EXPIRING and not is_near_end(project):
        project.move_to(Status.READY, by=by.pk, why="it has a later last day")
    return lifecycle.go_on(project, by=by) if project.days_left >= 0 else None


def _refuse_own(request: ExtensionRequest, by: User) -> None:
    if request.asked_by_id == by.pk:
        raise OwnRequest
