"""Pages with 200 projects, 2,000 people, 5,000 registrations, 10⁶ audit rows: time and queries of one request."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from datetime import UTC, datetime, timedelta

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.services import ensure_archive
from apps.audit.models import Entry
from apps.audit.services import seal
from apps.projects.models import Membership, Project
from apps.projects.services import create_project, ensure_member, mark_ready
from apps.registrations import links
from apps.registrations.models import Registration
from tests.bench import figures
from tests.plans import project_plan

PROJECTS, PEOPLE, REGISTRATIONS, AUDIT_ROWS = 200, 2000, 5000, 1_000_000
MEMBERS_OF_THE_LARGEST = 500
TODAY = timezone.localdate()
ACTIONS = ("account.signed_in", "images.viewed", "images.stored", "run.launched", "member.added", "token.made")


def main() -> None:
    call_command("migrate", verbosity=0)
    admin = User.objects.create_user("admin@bench.example", name="Admin", platform_role=User.PlatformRole.ADMINISTRATOR)
    projects = [make_project(number, admin) for number in range(PROJECTS)]
    people = User.objects.bulk_create(_person(number) for number in range(PEOPLE))
    Membership.objects.bulk_create(_membership(projects, place, person) for place, person in enumerate(people))
    Registration.objects.bulk_create(_registration(number) for number in range(REGISTRATIONS))
    seconds = figures.median_seconds(lambda: _audit(projects, people), 1)
    print(
        f"bench pages: {PROJECTS} projects, {PEOPLE} people, {REGISTRATIONS} registrations, "
        f"{Entry.objects.count()} audit rows (written in {seconds:.0f} s)"
    )
    _measure_all(admin, people)


def _measure_all(admin: User, people: list[User]) -> None:
    client = signed_in(admin)
    middle = Entry.objects.order_by("pk")[AUDIT_ROWS // 2].pk
    for name, path in (
        ("home", "/"),
        ("console", "/approvals/"),
        ("console found", "/approvals/?status=&q=request-4999"),
        ("project page", "/projects/bench-100/"),
        ("people", "/people/"),
        ("people found", "/people/?q=person1999"),
        ("members", "/projects/bench-0/members/"),
        ("audit", "/audit/"),
        ("audit, in the middle", f"/audit/?before={middle}"),
        ("audit of a person", f"/audit/?person={people[7].email}"),
        ("audit of twenty people", "/audit/?person=Person"),
        ("audit of a project", "/projects/bench-7/audit/"),
        ("audit of an action and a month", "/audit/?action=token.made&since=2025-02-01&until=2025-02-28"),
        ("search", "/search/?q=bench"),
        ("search of a request", "/search/?q=request-4999"),
        ("search in vain", "/search/?q=nothing+fits"),
    ):
        measure(client, name, path)
    measure(signed_in(people[0]), "home of a member", "/")
    seconds = figures.median_seconds(lambda: _export(client, "/audit/export/?person=Person"), 1)
    figures.show("audit export", AUDIT_ROWS / PEOPLE * 20 / seconds, "rows/s")
    figures.show("audit seal, 5,000 rows", figures.median_seconds(seal, 3) * 1000, "ms")


def signed_in(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def _export(client: Client, path: str) -> int:
    return sum(len(part) for part in client.post(path).streaming_content)  # type: ignore[attr-defined]


def measure(client: Client, name: str, path: str) -> None:
    client.get(path)  # templates are compiled at the first request
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    figures.show(f"{name} queries", len(queries), "queries")
    figures.show(name, figures.median_seconds(lambda: client.get(path), 20) * 1000, "ms")


def _audit(projects: list[Project], people: list[User]) -> None:
    """Over two years, each person and project as often as any other."""
    begin = datetime(2024, 11, 1, tzinfo=UTC)
    step = timedelta(days=730) / AUDIT_ROWS
    for first in range(0, AUDIT_ROWS, 20_000):
        Entry.objects.bulk_create(
            Entry(
                at=begin + number * step,
                action=ACTIONS[number % len(ACTIONS)],
                actor_pk=people[number % PEOPLE].pk,
                project_pk=projects[number // 7 % PROJECTS].pk,
                subject_type="projects.project",
                subject_pk=projects[number // 7 % PROJECTS].pk,
                address="192.0.2.7",
                request_id=f"{number:032x}",
                detail={"role": "member"},
            )
            for number in range(first, first + 20_000)
        )


def _person(number: int) -> User:
    return User(email=f"person{number}@bench.example", name=f"Person {number}", password="!")


def _membership(projects: list[Project], place: int, person: User) -> Membership:
    """The first project has many members, the others share the rest."""
    project = projects[0 if place < MEMBERS_OF_THE_LARGEST else place % PROJECTS]
    return Membership(project=project, user=person, role=Membership.Role.MEMBER)


def make_project(number: int, owner: User) -> Project:
    project = create_project(project_plan(f"bench-{number}", name=f"Project {number}"), by=None)
    ensure_member(project, owner, role=Membership.Role.OWNER)
    ensure_archive(project)
    mark_ready(project)
    return project


def _registration(number: int) -> Registration:
    return Registration(
        name=f"Person {number}",
        email=f"person{number}@bench.example",
        affiliation="University",
        purpose="Bench",
        project_name=f"Request {number}",
        namespace=f"request-{number}",
        principal_investigator="Prof. Bench",
        cpus=1,
        memory_gib=1,
        gpus=0,
        storage_gib=1,
        starts_on=TODAY,
        ends_on=TODAY + timedelta(days=100),
        nonce=links.new_nonce(),
        status=Registration.Status.EMAIL_VERIFIED,
    )


if __name__ == "__main__":
    main()
