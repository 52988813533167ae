from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.state import StateEvent
from apps.core.templatetags.ui import ago
from apps.provisioning.selectors import has_failed, lines_ahead, lines_of, steps_for
from apps.registrations import links
from apps.registrations.models import Registration

Status = Registration.Status
ENDED = (Status.PROVISIONED, Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED)
DONE = {
    Status.SUBMITTED: "Edited, with another address",
    Status.EMAIL_VERIFIED: "Address proved",
    Status.CHANGES_REQUESTED: "Sent back for changes",
    Status.APPROVED: "Approved",
    Status.PROVISIONED: "Set up",
    Status.REJECTED: "Rejected",
    Status.WITHDRAWN: "Withdrawn",
    Status.EXPIRED: "Expired",
}
BY_REQUESTER = (Status.SUBMITTED, Status.EMAIL_VERIFIED, Status.WITHDRAWN)


@dataclass(frozen=True)
class OpenRequest:
    """A request as its requester's home page lists it."""

    url: str
    project_name: str
    kind: str
    icon: str
    word: str
    since: datetime


@dataclass(frozen=True)
class HistoryLine:
    """One move of a request: "Approved", by whom, with what was said."""

    status: str
    word: str
    by_pk: int | None
    who: str
    why: str
    at: datetime


def open_requests_of(user: User) -> list[OpenRequest]:
    """The requests that this person made while signed in or with this account's proved address, newest first."""
    rows = Registration.objects.filter(Q(submitted_by=user) | Q(email=user.email)).exclude(status__in=ENDED)
    return [_open_request(row) for row in rows.order_by("-pk")]


def waiting_for(user: User) -> QuerySet[Registration]:
    """The requests that this approver may decide now, the longest waiting first; none for others."""
    if not user.may_approve:
        return Registration.objects.none()
    own = Q(submitted_by=user) | Q(email=user.email)
    return Registration.objects.filter(status=Status.EMAIL_VERIFIED).exclude(own).order_by("status_changed_at", "pk")


def matching(rows: QuerySet[Registration], *, status: str, words: str) -> QuerySet[Registration]:
    """Requests in a state ("" for any) that hold each word in project, namespace, name or address.

    What waits is shown with the longest waiting first, everything else with the newest first.
    """
    for word in words.split():
        rows = rows.filter(
            Q(project_name__icontains=word)
            | Q(namespace__icontains=word)
            | Q(name__icontains=word)
            | Q(email__icontains=word)
        )
    if status:
        rows = rows.filter(status=status)
    return rows.order_by("pk" if status == Status.EMAIL_VERIFIED else "-pk")


def history(registration: Registration) -> list[HistoryLine]:
    """What happened to the request since it was made, oldest first, with the names of those who did it."""
    events = list(registration.events())
    people = User.objects.in_bulk({event.by_pk for event in events if event.by_pk is not None})
    return [_history_line(registration, event, people) for event in events]


def last_word(registration: Registration) -> str:
    """What was said when the request came into its present state: the reason, or the changes that are asked."""
    event = registration.events().last()
    return event.why if event else ""


def who_was_first(registration: Registration, *, reader: User) -> str:
    """For a decision that came too late: "Already approved by Anna Berg, 2 min ago."."""
    if registration.status == Status.EMAIL_VERIFIED:
        return "The request has changed since you opened it: look at it again."
    if registration.status == Status.SUBMITTED:
        return "The requester's address is not proved: nobody can decide yet."
    lines = [line for line in history(registration) if line.status != Status.PROVISIONED]
    last = lines[-1]
    who = "you" if last.by_pk == reader.pk else last.who
    return f"Already {last.word.lower()} by {who}, {ago(last.at)}."


def setup_of(registration: Registration, *, poll_url: str, retry_url: str) -> dict[str, object]:
    """What the fragment of the steps shows; it asks for itself at `poll_url` until the project is set up."""
    steps = steps_for(registration.project) if registration.project else []
    return {
        "lines": lines_of(steps) if steps else lines_ahead(),
        "poll_url": poll_url if registration.status == Status.APPROVED else "",
        "has_failed": has_failed(steps),
        "retry_url": retry_url if has_failed(steps) else "",
    }


def _open_request(row: Registration) -> OpenRequest:
    badge = row.badge
    return OpenRequest(links.path_of(row), row.project_name, badge.kind, badge.icon, badge.word, row.status_changed_at)


def _history_line(registration: Registration, event: StateEvent, people: dict[int, User]) -> HistoryLine:
    status = Status(event.to_status)
    is_edit = event.from_status == Status.CHANGES_REQUESTED and status == Status.EMAIL_VERIFIED
    if event.by_pk in people:
        who = people[event.by_pk].name
    else:
        who = registration.name if status in BY_REQUESTER else "the portal"
    return HistoryLine(status, "Edited" if is_edit else DONE[status], event.by_pk, who, event.why, event.at)
