"""Many people at once, as pasted from a table: `email,role,name` a line. A pure reading; nobody is invited here."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.core.validators import ONE_LINE
from apps.projects.invitations import MAILS_A_DAY, Invitee, mailed_enough
from apps.projects.models import Invitation, Membership, Project

Role = Membership.Role
MOST_AT_ONCE = 500
LONGEST_EMAIL, LONGEST_NAME, LONGEST_LINE = 254, 200, 1000
HEADINGS = {"email", "e-mail", "mail", "email address", "e-mail address"}


@dataclass(frozen=True)
class Line:
    """One line of the list; `fault` is why nobody is invited by it, in words."""

    number: int
    email: str
    role: str
    name: str
    fault: str = ""

    @property
    def invitee(self) -> Invitee:
        return Invitee(self.email, Role(self.role), self.name)


def read(project: Project, text: str) -> list[Line]:
    """Every line but empty ones and a heading. A cell that looks like a formula is text like any other."""
    rows = _rows(text)
    emails = {cells[0].lower() for _, cells in rows}
    known = _known(project, emails)
    first_seen: dict[str, int] = {}
    return [_line(number, cells, known, first_seen) for number, cells in rows]


def _rows(text: str) -> list[tuple[int, list[str]]]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    delimiter = next((mark for mark in "\t;" if lines and mark in lines[0][1]), ",")
    rows = [(number, _cells(line, delimiter)) for number, line in lines]
    return rows[1:] if rows and rows[0][1][0].lower() in HEADINGS else rows


def _cells(line: str, delimiter: str) -> list[str]:
    # Each line by itself: a stray quotation mark spoils no other.
    try:
        cells = [cell.strip() for cell in next(csv.reader([line[:LONGEST_LINE]], delimiter=delimiter))]
    except csv.Error:
        cells = [line[:LONGEST_LINE]]
    return [*cells, "", "", ""]


def _known(project: Project, emails: set[str]) -> Mapping[str, str]:
    """Why somebody of these addresses cannot be invited."""
    invited = Invitation.objects.filter(project=project, status=Invitation.Status.WAITING, email__in=emails)
    members = Membership.objects.filter(project=project, user__email__in=emails)
    enough = f"Got {MAILS_A_DAY} invitations today: go on tomorrow."
    return {
        **dict.fromkeys(mailed_enough(project, emails), enough),
        **dict.fromkeys(invited.values_list("email", flat=True), "Is invited already."),
        **dict.fromkeys(members.values_list("user__email", flat=True), "Is in the project already."),
    }


def _line(number: int, cells: list[str], known: Mapping[str, str], first_seen: dict[str, int]) -> Line:
    email, role, name = cells[0].lower(), cells[1].lower() or Role.MEMBER.value, cells[2]
    fault = _fault(email, role, name) or known.get(email, "")
    if not fault and email in first_seen:
        fault = f"Stands in line {first_seen[email]} already."
    first_seen.setdefault(email, number)
    return Line(number, email, role, name, fault)


def _fault(email: str, role: str, name: str) -> str:
    try:
        validate_email(email)
        ONE_LINE(email)
    except ValidationError:
        return "This is no e-mail address." if email else "The e-mail address is missing."
    if len(email) > LONGEST_EMAIL:
        return f"An e-mail address has at most {LONGEST_EMAIL} characters."
    if role not in Role.values:
        return f"“{role[:40]}” is no role: write viewer, member or owner."
    return _fault_of_name(name)


def _fault_of_name(name: str) -> str:
    try:
        ONE_LINE(name)
    except ValidationError:
        return "The name has characters that cannot be shown."
    return f"A name has at most {LONGEST_NAME} characters." if len(name) > LONGEST_NAME else ""
