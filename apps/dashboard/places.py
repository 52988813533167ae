"""The pages of the platform that a person may open, by the names that the navigation gives them."""

from dataclasses import dataclass

from django.urls import reverse

from apps.accounts.models import User
from apps.registrations.access import has_console


@dataclass(frozen=True)
class Place:
    title: str
    page: str

    @property
    def url(self) -> str:
        return reverse(self.page)


FOR_ALL = (
    Place("Home", "dashboard:home"),
    Place("Algorithms", "jobs:algorithms"),
    Place("Clusters", "clusters:clusters"),
    Place("Register or join a project", "registrations:register"),
    Place("Account: SSH keys, API tokens", "accounts:account"),
    Place("Terms of data use", "registrations:terms"),
)
FOR_DECIDERS = (Place("Approvals", "registrations:approvals"),)
FOR_LOOKERS = (
    Place("Projects", "projects:projects"),
    Place("People", "people:people"),
    Place("Audit", "dashboard:audit"),
    Place("Style guide", "dashboard:styleguide"),
)
FOR_ADMINISTRATORS = (Place("Outbox", "dashboard:outbox"), Place("Add a cluster", "clusters:new"))


def places_of(user: User) -> tuple[Place, ...]:
    return (
        *FOR_ALL,
        *(FOR_DECIDERS if has_console(user) else ()),
        *(FOR_LOOKERS if user.may_look else ()),
        *(FOR_ADMINISTRATORS if user.is_administrator else ()),
    )
