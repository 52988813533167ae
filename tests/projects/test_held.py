"""What an administrator has suspended stays so until an administrator ends it; time and owners do not."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.projects import clock, granting, lifecycle
from apps.projects.models import Project, ProjectChange
from tests.conftest import ClientOf
from tests.programs import Program

Status, Action = Project.Status, ProjectChange.Action
SETTINGS = "/projects/cardiac-mr/settings/"
HELD = "An administrator has suspended this project"
ASKED = {"archive": {"why": "Because"}, "delete": {"typed": "cardiac-mr"}}


def let_pass(project: Project) -> Project:
    """The last day is long over, and the clock has done what it does then."""
    long_ago = timezone.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS, hours=1)
    ends_on = timezone.localdate() - timedelta(days=settings.ARCHIVE_AFTER_DAYS + 2)
    Project.objects.filter(pk=project.pk).update(ends_on=ends_on)
    clock.sweep()
    Project.objects.filter(pk=project.pk).update(status_changed_at=long_ago)
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.ARCHIVED
    Mail.objects.all().delete()
    return project


@pytest.fixture
def held(project: Project, admin: User) -> Project:
    """Suspended by an administrator."""
    lifecycle.suspend(project, by=admin, why="Misuse")
    Mail.objects.all().delete()
    return project


def extend(project: Project, alice: User, approver: User) -> Project:
    later = timezone.localdate() + timedelta(days=90)
    asked = granting.ask_extension(project, ends_on=later, why="More", by=alice)
    Mail.objects.all().delete()
    granting.grant_extension(asked, ends_on=later, by=approver)
    project.refresh_from_db()
    assert project.ends_on == later
    return project


def mails() -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for mail in Mail.objects.order_by("pk"):
        told.setdefault(mail.to.partition("@")[0], []).append(mail.subject)
    return told


def test_archived_by_the_clock_it_is_suspended_again_with_more_time(
    held: Project, alice: User, admin: User, approver: User
) -> None:
    extend(let_pass(held), alice, approver)
    assert held.status == Status.SUSPENDED
    assert held.is_held
    suspended = held.last_stop(Status.SUSPENDED)
    assert suspended is not None
    assert (suspended.by_pk, suspended.why) == (admin.pk, "Misuse")
    change = held.changes.order_by("pk").last()
    assert change is not None
    assert (change.action, change.target, change.by) == (Action.RESTORE, Status.SUSPENDED, approver)
    assert change.why == "Admin had suspended it: Misuse"
    text = Mail.objects.get(to=alice.email).text
    assert "suspended, as it was before" in text
    assert "Admin had suspended it: Misuse" in text
    assert mails()["bob"] == ["Cardiac mr is suspended again"]


def test_so_it_is_once_more_and_the_administrator_ends_it(
    held: Project, alice: User, admin: User, approver: User
) -> None:
    extend(let_pass(held), alice, approver)
    extend(let_pass(held), alice, approver)
    assert held.status == Status.SUSPENDED
    assert held.changes.order_by("-pk")[0].why == "Admin had suspended it: Misuse"
    lifecycle.resume(held, by=admin)
    let_pass(held)
    assert not held.is_held
    extend(held, alice, approver)
    assert held.status == Status.READY


def test_the_administrator_gives_it_time_and_it_stays_suspended(held: Project, alice: User, admin: User) -> None:
    let_pass(held)
    granting.set_last_day(held, timezone.localdate() + timedelta(days=9), by=admin)
    held.refresh_from_db()
    assert held.status == Status.SUSPENDED
    assert mails()["alice"] == ["Cardiac mr has another last day"]
    assert "suspended, as it was before" in Mail.objects.get(to=alice.email).text


@pytest.mark.parametrize("is_archived", [False, True])
@pytest.mark.parametrize("word", ["archive", "delete"])
def test_no_owner_archives_or_deletes_it(
    held: Project, alice: User, client_of: ClientOf, word: str, is_archived: bool
) -> None:
    if is_archived:
        let_pass(held)
    before = held.status
    answer = client_of(alice).post(f"{SETTINGS}{word}/", ASKED[word])
    assert answer.status_code == 403
    assert f"{HELD}: ask an administrator." in answer.content.decode()
    told = Program(alice).post(f"/api/v1/projects/cardiac-mr/{word}/", ASKED[word])
    assert told.status_code == 403
    assert HELD in told.content.decode()
    held.refresh_from_db()
    assert held.status == before
    assert not Entry.objects.filter(action="project.deletion_scheduled").exists()


def test_the_page_says_whom_to_ask(held: Project, alice: User, admin: User, client_of: ClientOf) -> None:
    owners = client_of(alice).get(SETTINGS).content.decode()
    assert "Only an administrator can resume, archive or delete this project: ask one." in owners
    assert "Delete the project" not in owners
    administrators = client_of(admin).get(SETTINGS).content.decode()
    assert "Only an administrator can resume" not in administrators
    assert "Delete the project" in administrators


def test_an_administrator_deletes_it_and_an_undo_leaves_it_suspended(
    held: Project, alice: User, admin: User, client_of: ClientOf
) -> None:
    assert client_of(admin).post(f"{SETTINGS}delete/", ASKED["delete"]).status_code == 302
    assert client_of(alice).post(f"{SETTINGS}undo/").status_code == 302
    held.refresh_from_db()
    assert (held.status, held.is_held) == (Status.SUSPENDED, True)
    assert client_of(alice).post(f"{SETTINGS}delete/", ASKED["delete"]).status_code == 403


def test_what_the_clock_stopped_is_the_owners_also_after_an_undo(
    project: Project, alice: User, approver: User, client_of: ClientOf
) -> None:
    let_pass(project)
    assert client_of(alice).post(f"{SETTINGS}delete/", ASKED["delete"]).status_code == 302
    assert client_of(alice).post(f"{SETTINGS}undo/").status_code == 302
    project.refresh_from_db()
    extend(project, alice, approver)
    assert project.status == Status.READY


@pytest.mark.parametrize("is_archived", [False, True])
def test_more_time_that_lets_it_go_on_is_one_mail_to_each(
    project: Project, alice: User, approver: User, is_archived: bool
) -> None:
    Project.objects.filter(pk=project.pk).update(ends_on=timezone.localdate() - timedelta(days=1))
    clock.sweep()
    project.refresh_from_db()
    extend(let_pass(project) if is_archived else project, alice, approver)
    assert project.status == Status.READY
    told = mails()
    assert [len(subjects) for subjects in told.values()] == [1, 1, 1]
    assert told["alice"][0].startswith("Cardiac mr runs until ")
    assert told["bob"] == told["vera"] == ["Cardiac mr goes on"]
    words = "no longer archived" if is_archived else "no longer suspended"
    assert words in Mail.objects.get(to=alice.email).text
