"""What a row of the matrix says, and the answers that many addresses share."""

from dataclasses import dataclass, field
from typing import Any

ROLES = ("anonymous", "outsider", "viewer", "member", "owner", "approver", "support", "administrator")
Expected = tuple[int, int, int, int, int, int, int, int]


@dataclass(frozen=True)
class Row:
    name: str
    expected: Expected
    method: str = "GET"
    kwargs: dict[str, str] = field(default_factory=dict)  # of the address → of the world
    query: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def everybody(status: int, anonymous: int | None = None) -> Expected:
    """The same for everybody; another answer for those who are not signed in."""
    return (status if anonymous is None else anonymous, *[status] * 7)  # type: ignore[return-value]


def in_project(reader: int, *, member: int | None = None, anonymous: int = 302) -> Expected:
    """404 outside the project. Support and administrators have the viewer's part.

    `member` is the answer to members and owners.
    """
    inside = reader if member is None else member
    return (anonymous, 404, reader, inside, inside, 404, reader, reader)


NAMESPACE = {"namespace": "namespace"}
SERIES = {**NAMESPACE, "series_instance_uid": "series_instance_uid"}
APPROVERS: Expected = (302, 404, 404, 404, 404, 200, 200, 200)
# Forms of approvers that come back with a sentence.
APPROVERS_FORM: Expected = (302, 404, 404, 404, 404, 200, 404, 200)
# Support reads what administrators read, but no forms and no private links.
LOOKERS: Expected = (302, 404, 404, 404, 404, 404, 200, 200)
ADMINISTRATORS: Expected = (302, 404, 404, 404, 404, 404, 404, 200)
ADMINISTRATORS_POST: Expected = (302, 404, 404, 404, 404, 404, 404, 302)
# Administrators as well: they help a project whose owners are gone. Support sees the members and changes none.
MANAGERS: Expected = (302, 404, 403, 403, 200, 404, 403, 200)
MANAGERS_POST: Expected = (302, 404, 403, 403, 302, 404, 403, 302)
