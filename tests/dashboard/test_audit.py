"""The audit pages: administrators and support read all of it, owners their project's part, in words."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.audit.services import changed, record
from apps.core.spreadsheets import FORMULA
from apps.dashboard import audit_csv, audit_views
from apps.projects.models import Membership, Project
from tests.conftest import ClientOf
from tests.queries import cost_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_what_the_test_does(project: Project, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_views, "ROWS_A_PAGE", 5)
    forget_all()


def forget_all() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_entry")


def page(client: Client, address: str = "/audit/") -> str:
    return client.get(address).text


def exported(client: Client, address: str = "/audit/export/") -> list[list[str]]:
    response = client.post(address)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))  # type: ignore[arg-type]


def test_a_row_names_people_projects_and_subjects(
    admin: User, alice: User, bob: User, project: Project, client_of: ClientOf
) -> None:
    membership = Membership.objects.get(user=bob)
    record(
        "member.role_changed",
        actor=alice.pk,
        project=project.pk,
        subject=membership,
        member=bob.pk,
        role=changed("member", "owner"),
        by_group=False,
    )
    html = page(client_of(admin))
    assert "member: role changed" in html
    assert "Alice" in html
    assert "Cardiac mr" in html
    assert f"membership {membership.pk}, Bob" in html
    for told in ("member: Bob", "role: member → owner", "by group: no"):
        assert told in html


def test_what_is_gone_is_told_by_its_number(admin: User, client_of: ClientOf) -> None:
    Entry.objects.create(action="test.gone", actor_pk=987, subject_type="old.thing", subject_pk=5, project_pk=654)
    html = page(client_of(admin))
    assert "person 987, removed" in html
    assert "old.thing 5" in html


def test_the_portal_s_own_work_is_told_as_such(admin: User, client_of: ClientOf) -> None:
    record("test.swept", actor=None)
    assert "the portal" in page(client_of(admin))
    assert "a visitor" not in page(client_of(admin))


def test_who_is_not_signed_in_is_a_visitor(admin: User, client_of: ClientOf) -> None:
    Entry.objects.create(action="registration.submitted", address="192.0.2.7")
    html = page(client_of(admin))
    assert "a visitor" in html
    assert "192.0.2.7" in html


@pytest.fixture
def some(alice: User, bob: User, project: Project, make_project: Callable[[str], Project]) -> None:
    other = make_project("atlas")
    forget_all()
    day = datetime(2026, 5, 4, 12, tzinfo=UTC)
    Entry.objects.create(action="test.first", actor_pk=alice.pk, project_pk=project.pk, at=day)
    Entry.objects.create(action="test.second", actor_pk=bob.pk, project_pk=project.pk, at=day + timedelta(days=1))
    Entry.objects.create(action="test.third", actor_pk=bob.pk, project_pk=other.pk, at=day + timedelta(days=2))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "first second third"),
        ("person=Bob@hospital.example", "second third"),
        ("person=alic", "first"),
        ("person=nobody", ""),
        ("project=atlas", "third"),
        ("project=cardiac", "first second"),
        ("action=test.second", "second"),
        ("since=2026-05-05", "second third"),
        ("until=2026-05-05", "first second"),
        ("person=bob&project=cardiac-mr&since=2026-05-01&until=2026-05-31", "second"),
    ],
)
def test_rows_are_found(some: None, admin: User, client_of: ClientOf, query: str, found: str) -> None:
    rows = page(client_of(admin), f"/audit/?{query}").partition("<tbody>")[2]
    assert [word for word in ("first", "second", "third") if f"test: {word}" in rows] == found.split()


def test_a_day_that_is_none_is_said_and_left_out(some: None, admin: User, client_of: ClientOf) -> None:
    html = page(client_of(admin), "/audit/?since=yesterday&person=alice")
    assert "From: Enter a valid date." in html
    assert "test: second" not in html.partition("<tbody>")[2]


def test_pages_follow_each_other_without_gap_or_repetition(admin: User, client_of: ClientOf) -> None:
    """Also where rows carry the same time, and while new ones come."""
    now = timezone.now()
    Entry.objects.bulk_create(Entry(action=f"test.n{number:02}", at=now) for number in range(12))
    client, address, seen = client_of(admin), "/audit/?action=", []
    while address:
        response = client.get(address)
        seen += [line.entry.action for line in response.context["lines"]]
        address = response.context["older"]
        record("test.new", actor=None)
    assert seen == [f"test.n{number:02}" for number in reversed(range(12))]


@pytest.mark.parametrize("junk", ["x", "99999999999999999999", "-1", "٣", "1%00"])
def test_a_page_after_junk_is_not_found(admin: User, client_of: ClientOf, junk: str) -> None:
    assert client_of(admin).get(f"/audit/?before={junk}").status_code == 404


def test_owners_see_their_project_s_part_and_no_more(some: None, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    html = page(client, "/projects/cardiac-mr/audit/?project=atlas")
    assert "test: first" in html
    assert "test: third" not in html.partition("<tbody>")[2]
    assert 'name="project"' not in html
    assert client.get("/audit/").status_code == 404
    assert client.get("/projects/atlas/audit/").status_code == 404
    assert 'href="/projects/cardiac-mr/audit/"' in page(client, "/projects/cardiac-mr/")


def test_only_owners_and_who_reads_all_may(
    bob: User, vera: User, charlie: User, support: User, client_of: ClientOf
) -> None:
    address = "/projects/cardiac-mr/audit/"
    answers = [client_of(person).get(address).status_code for person in (bob, vera, charlie, support)]
    assert answers == [403, 403, 404, 200]
    assert f'href="{address}"' not in page(client_of(bob), "/projects/cardiac-mr/")


def test_the_export_holds_what_was_asked_for_and_is_audited(
    some: None, admin: User, bob: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.audit.selectors.CHUNK", 1)
    rows = exported(client_of(admin), "/audit/export/?person=bob&until=2026-05-31")
    assert rows[0] == list(audit_csv.HEADINGS)
    assert [row[3] for row in rows[1:]] == ["test.third", "test.second"]
    assert rows[1][1:3] == ["Bob", "bob@hospital.example"]
    entry = Entry.objects.get(action="audit.exported")
    assert (entry.actor_pk, entry.address) == (admin.pk, "127.0.0.1")
    assert entry.detail["asked"]["people"] == [bob.pk]


def test_an_owner_exports_the_own_part_only(some: None, alice: User, client_of: ClientOf) -> None:
    rows = exported(client_of(alice), "/projects/cardiac-mr/audit/export/")
    assert [row[3] for row in rows[1:]] == ["test.second", "test.first"]
    asked = Entry.objects.get(action="audit.exported").detail["asked"]
    assert asked["projects"] == [Project.objects.get(namespace="cardiac-mr").pk]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_begins_a_formula(admin: User, alice: User, client_of: ClientOf, begin: str) -> None:
    formula = f"{begin}HYPERLINK(1)"
    User.objects.filter(pk=alice.pk).update(name=formula)
    record("test.done", actor=alice.pk)
    cells = [cell for row in exported(client_of(admin)) for cell in row]
    assert f"'{formula}" in cells
    assert not [cell for cell in cells if FORMULA.match(cell)]


def test_an_export_is_no_link(admin: User, client_of: ClientOf) -> None:
    assert client_of(admin).get("/audit/export/").status_code == 405


def test_ten_more_rows_cost_no_more_queries(
    admin: User, project: Project, client_of: ClientOf, make_project: Callable[[str], Project], monkeypatch: Any
) -> None:
    monkeypatch.setattr(audit_views, "ROWS_A_PAGE", 50)
    client = client_of(admin)
    record("test.done", actor=admin.pk, project=project.pk, subject=project)
    addresses = [f"{root}audit/" for root in ("/", "/projects/cardiac-mr/", "/api/v1/", "/api/v1/projects/cardiac-mr/")]
    before = [cost_of(client, address) for address in addresses]
    for number in range(10):
        other = make_project(f"other-{number}")
        record("test.done", actor=None, project=other.pk, subject=other)
        record("test.done", actor=None, project=project.pk, subject=other)
    assert [cost_of(client, address) for address in addresses] == before


def test_programs_read_it_page_by_page(some: None, admin: User, alice: User, client_of: ClientOf) -> None:
    client, address, seen = client_of(admin), "/api/v1/audit/?until=2026-05-31&limit=2", []
    while address:
        page = client.get(address).json()
        seen += [(row["person"], row["action"], row["project"]) for row in page["results"]]
        address = page["next"]
    assert seen == [
        ("bob@hospital.example", "test.third", "atlas"),
        ("bob@hospital.example", "test.second", "cardiac-mr"),
        ("alice@hospital.example", "test.first", "cardiac-mr"),
    ]
    own = client_of(alice).get("/api/v1/projects/cardiac-mr/audit/?until=2026-05-31").json()["results"]
    assert [row["action"] for row in own] == ["test.second", "test.first"]


def test_programs_are_told_what_is_wrong(admin: User, client_of: ClientOf) -> None:
    answer = client_of(admin).get("/api/v1/audit/?since=yesterday")
    assert (answer.status_code, answer.json()["detail"]) == (422, "since: Enter a valid date.")
    assert client_of(admin).get("/api/v1/audit/?cursor=junk").status_code == 404
