"""Home, console and project page with 200 projects and 5,000 registrations: time and queries of one request."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from datetime import timedelta

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.services import ensure_archive
from apps.projects.models import Membership, Project
from apps.projects.services import create_project, ensure_member, mark_ready
from apps.registrations import links
from apps.registrations.models import Registration
from tests.bench import figures
from tests.plans import project_plan

PROJECTS, REGISTRATIONS = 200, 5000
TODAY = timezone.localdate()


def main() -> None:
    call_command("migrate", verbosity=0)
    admin = User.objects.create_user("admin@bench.example", name="Admin", platform_role=User.PlatformRole.ADMINISTRATOR)
    for number in range(PROJECTS):
        make_project(number, admin)
    Registration.objects.bulk_create(_registration(number) for number in range(REGISTRATIONS))
    client = Client(SERVER_NAME="localhost")
    client.force_login(admin)
    print(f"bench pages: {PROJECTS} projects, {REGISTRATIONS} registrations")
    for name, path in (("home", "/"), ("console", "/approvals/"), ("project page", "/projects/bench-100/")):
        _measure(client, name, path)


def _measure(client: Client, name: str, path: str) -> None:
    client.get(path)  # templates are compiled at the first request
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    figures.show(f"{name} queries", len(queries), "queries")
    figures.show(name, figures.median_seconds(lambda: client.get(path), 20) * 1000, "ms")


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
