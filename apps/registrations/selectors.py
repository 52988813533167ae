from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.selectors import rows_about
from apps.core import ledger
from apps.core.lists import holding
from apps.core.models import Step
from apps.core.state import StateEvent
from apps.core.templatetags.ui import ago, clock
from apps.projects.models import Membership, Project
from apps.projects.owners import acting_owners
from apps.provisioning.plan import MEMBER
from apps.provisioning.selectors import has_failed, lines_ahead, lines_of, steps_for
from apps.registrations import links
from apps.registrations.edits import sentence_of
from apps.registrations.models import Registration

Status = Registration.Status
ENDED = (Status.PROVISIONED, Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED, Status.PROJECT_DELETED)
DONE = {
    Status.SUBMITTED: "Edited, with another address",
    Status.EMAIL_VERIFIED: "Address proved",
    Status.CHANGES_REQUESTED: "Sent back for changes",
    Status.APPROVED: "Approved",
    Status.PROVISIONED: "Set up",
    Status.REJECTED: "Rejected",
    Status.WITHDRAWN: "Withdrawn",
    Status.EXPIRED: "Expired",
    Status.PROJECT_DELETED: "Project deleted",
}
AFTER_APPROVAL = (Status.PROVISIONED, Status.PROJECT_DELETED)
LONGEST_FIRST = ("status_changed_at", "pk")
BY_REQUESTER = (Status.SUBMITTED, Status.EMAIL_VERIFIED, Status.WITHDRAWN)


@dataclass(frozen=True)
class OpenRequest:
    """A request as its requester's home page lists it."""

    url: str
    title: str
    kind: str
    icon: str
    word: str
    since: datetime


@dataclass(frozen=True)
class HistoryLine:
    """One move of a request: "Approved", by whom, with what was said or edited."""

    status: str
    word: str
    by_pk: int | None
    who: str
    why: str
    at: datetime


def open_requests_of(user: User) -> list[OpenRequest]:
    """The requests that this person made while signed in or with this account's proved address, newest first."""
    rows = Registration.objects.filter(asked_by(user)).exclude(status__in=ENDED).select_related("project", "joins")
    return [_open_request(row) for row in rows.order_by("-pk")]


def waiting_for(user: User) -> QuerySet[Registration]:
    """The requests that wait for this person's decision, the longest waiting first.

    Owners are asked who joins their projects; approvers all the rest: new projects, joining what there is not, and
    joining where no owner can act.
    """
    asked = Q(joins__in=owned_by(user))
    if user.may_approve:
        asked |= ~Q(joins__in=Project.objects.filter(memberships__in=acting_owners()))
    waiting = Registration.objects.filter(asked, status=Status.EMAIL_VERIFIED)
    return waiting.exclude(asked_by(user)).order_by(*LONGEST_FIRST)


def asked_by(user: User) -> Q:
    """What was asked while signed in, or with this account's proved address: as `Registration.is_asked_by`."""
    return Q(submitted_by=user) | Q(email=user.email)


def owned_by(user: User) -> QuerySet[Project]:
    return Project.objects.filter(memberships__user=user, memberships__role=Membership.Role.OWNER)


def earlier_of(registration: Registration, visible: QuerySet[Registration]) -> QuerySet[Registration]:
    """Other requests of the same person, newest first, of those that the reader may see."""
    same = Q(email=registration.email)
    if registration.submitted_by_id:
        same |= Q(submitted_by=registration.submitted_by_id)
    return visible.filter(same).exclude(pk=registration.pk).order_by("-pk")


def matching(
    rows: QuerySet[Registration], *, status: str, kind: str, older: int | str, q: str
) -> QuerySet[Registration]:
    """The requests that hold each word of `q` in project, namespace, name or address, and fit the rest; "" is any.

    `older` is the days for which it has been in its state. What waits is shown with the longest waiting first,
    everything else with the newest first.
    """
    rows = holding(rows, q.split(), "project_name", "namespace", "name", "email")
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if older:
        rows = rows.filter(status_changed_at__lt=timezone.now() - timedelta(days=int(older)))
    return rows.order_by(*LONGEST_FIRST) if status == Status.EMAIL_VERIFIED else rows.order_by("-pk")


def history(registration: Registration) -> list[HistoryLine]:
    """What happened to the request since it was made, oldest first, with the names of those who did it."""
    events = list(registration.events())
    people = User.objects.in_bulk({event.by_pk for event in events if event.by_pk is not None})
    edits = rows_about(registration, "registration.amended").values_list("detail", flat=True)
    said = dict(zip((event.pk for event in events if _is_edit(event)), map(sentence_of, edits), strict=False))
    return [_history_line(registration, event, people, said.get(event.pk, event.why)) for event in events]


def last_word(registration: Registration) -> str:
    """What was said when the request came into its present state: the reason, or the changes that are asked."""
    event = registration.events().last()
    return event.why if event else ""


def who_was_first(registration: Registration, *, reader: User) -> str:
    """For a decision that came too late: "Already approved by Anna Berg at 12:03, 2 min ago."."""
    if registration.status == Status.EMAIL_VERIFIED:
        return "The request has changed since you opened it: look at it again."
    if registration.status == Status.SUBMITTED:
        return "The requester's address is not proved: nobody can decide yet."
    lines = [line for line in history(registration) if line.status not in AFTER_APPROVAL]
    last = lines[-1]
    who = "you" if last.by_pk == reader.pk else last.who
    return f"Already {last.word.lower()} by {who} at {clock(last.at)}, {ago(last.at)}."


def setup_of(registration: Registration, *, poll_url: str, retry_url: str) -> dict[str, object]:
    """What the fragment of the steps shows; it asks for itself at `poll_url` until nothing moves any more."""
    steps = _steps_of(registration)
    is_stuck = has_failed(steps) and registration.ending_project is None
    return {
        "lines": lines_of(steps) if steps or registration.is_join else lines_ahead(),
        "poll_url": poll_url if is_being_set_up(registration) else "",
        "has_failed": is_stuck,
        "retry_url": retry_url if is_stuck else "",
    }


def is_being_set_up(registration: Registration) -> bool:
    """Whether the steps go on."""
    return registration.status == Status.APPROVED and registration.ending_project is None


def _steps_of(registration: Registration) -> list[Step]:
    if registration.membership_change_id:
        return ledger.steps_of(MEMBER, registration.membership_change_id)
    return steps_for(registration.project) if registration.project else []


def _open_request(row: Registration) -> OpenRequest:
    badge = row.badge
    return OpenRequest(links.path_of(row), row.title, badge.kind, badge.icon, badge.word, row.status_changed_at)


def _is_edit(event: StateEvent) -> bool:
    """An answer goes the same way and says something; each edit has its audit row."""
    return event.from_status == Status.CHANGES_REQUESTED and (
        event.to_status == Status.SUBMITTED or (event.to_status == Status.EMAIL_VERIFIED and not event.why)
    )


def _history_line(registration: Registration, event: StateEvent, people: dict[int, User], why: str) -> HistoryLine:
    status = Status(event.to_status)
    if event.from_status == Status.CHANGES_REQUESTED and status == Status.EMAIL_VERIFIED:
        word = "Edited" if _is_edit(event) else "Answered"
    else:
        word = DONE[status]
    if event.by_pk in people:
        who = people[event.by_pk].name
    else:
        who = registration.name if status in BY_REQUESTER else "the portal"
    return HistoryLine(status, word, event.by_pk, who, why, event.at)
