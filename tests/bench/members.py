"""The members' page with 2,000 people in one project, 500 invited at once, and what Keycloak is asked in a full sync.

Keycloak's answers come from memory, page by page as the real one's do: the figures are the number of requests, and what
they cost on this side.
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock, patch

from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Identity, User
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.client import KeycloakClient
from apps.projects import groups
from apps.projects.invitation_list import read
from apps.projects.invitations import invite_all
from apps.projects.models import Membership, Project
from apps.projects.services import create_project, mark_ready
from apps.provisioning import group_sync
from tests.accounts.keycloak_mode import use_keycloak
from tests.bench import figures
from tests.bench.pages import measure, signed_in
from tests.plans import project_plan

PROJECTS, PEOPLE, INVITED = 200, 2000, 500
LARGEST = "/projects/bench-0/members/"


def main() -> None:
    call_command("migrate", verbosity=0)
    projects = [_project(number) for number in range(PROJECTS)]
    people = User.objects.bulk_create(
        User(email=f"person{number}@bench.example", name=f"Person {number}", password="!") for number in range(PEOPLE)
    )
    _put_in(projects, people)
    owner = signed_in(people[0])
    measure(owner, "members, 2,000 of them", LARGEST)
    measure(owner, "members, the last page", f"{LARGEST}?page=40")
    measure(owner, "members, a search", f"{LARGEST}?q=person1999")
    _invite(projects[0], people[0])
    _sync(owner, people)


def _project(number: int) -> Project:
    project = create_project(project_plan(f"bench-{number}", name=f"Project {number}"), by=None)
    mark_ready(project)
    return project


def _put_in(projects: list[Project], people: list[User]) -> None:
    """All are in the first project, and each in another one; the first person owns all."""
    roles, told = Membership.Role, {"grouped_at": timezone.now()}
    pairs = {(projects[0].pk, person.pk) for person in people}
    pairs |= {(projects[place % PROJECTS].pk, person.pk) for place, person in enumerate(people)}
    rows = [Membership(project_id=project, user_id=user, role=roles.MEMBER, **told) for project, user in sorted(pairs)]
    Membership.objects.bulk_create(rows)
    Membership.objects.filter(user=people[0]).update(role=roles.OWNER, may_export=True)


def _invite(project: Project, by: User) -> None:
    text = "\n".join(f"student{number}@bench.example,viewer,Student {number}" for number in range(INVITED))
    figures.show("a list of 500 read", figures.median_seconds(lambda: read(project, text), 5) * 1000, "ms")
    invitees = [line.invitee for line in read(project, text)]
    figures.show("500 people invited", figures.median_seconds(lambda: invite_all(project, invitees, by=by), 1), "s")


def _sync(owner: Client, people: list[User]) -> None:
    use_keycloak(settings, KEYCLOAK_URL="https://keycloak.bench.example")
    Identity.objects.bulk_create(
        Identity(user=person, issuer=realm.issuer(), subject=f"subject-{person.pk}", read_at=timezone.now())
        for person in people
    )
    with _keycloak() as asked:
        seconds = figures.median_seconds(group_sync.sweep, 3)
        figures.show("Keycloak's full sync", seconds * 1000, "ms besides Keycloak's own")
        figures.show("Keycloak's full sync, requests", len(asked) / 3, "requests")
        figures.show("Keycloak's full sync, of one person", sum("/users/" in path for path in asked) / 3, "requests")
        asked.clear()
        owner.get(LARGEST)
        owner.post(f"{LARGEST}{Membership.objects.filter(project__namespace='bench-0').latest('pk').pk}/remove/")
        figures.show("requests to Keycloak by a page and a removal", len(asked), "requests")


@contextmanager
def _keycloak() -> Iterator[list[str]]:
    """Every request to it, by path."""
    members = defaultdict(list)
    for user, namespace, role in Membership.objects.values_list("user", "project__namespace", "role"):
        members[groups.group_of(namespace, role)].append({"id": f"subject-{user}"})
    names = [name for number in range(PROJECTS) for name in groups.groups_of(f"bench-{number}").values()]
    tables: dict[str, list[dict[str, Any]]] = {
        "/groups": [{"id": name, "name": name} for name in names],
        "/users": [{"id": f"subject-{pk}", "enabled": True} for pk in User.objects.values_list("pk", flat=True)],
        **{f"/groups/{name}/members": members[name] for name in names},
    }
    asked: list[str] = []

    def answer(client: KeycloakClient, method: str, path: str, *, params: dict[str, int]) -> Mock:
        asked.append(path)
        rows = tables[path][params["first"] : params["first"] + params["max"]]
        return Mock(json=lambda: rows)

    with patch.object(KeycloakClient, "_call", answer):
        yield asked


if __name__ == "__main__":
    main()
