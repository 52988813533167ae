"""The turns of a project's life through the settings page: each works, for whom it is, once, and is told."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.core.state import IllegalTransition
from apps.projects import lifecycle
from apps.projects.models import ExtensionRequest, Invitation, Project, ProjectChange
from tests.conftest import ClientOf

Status, Action = Project.Status, ProjectChange.Action
SETTINGS = "/projects/cardiac-mr/settings/"


ASKED = {"suspend": {"why": "Because"}, "archive": {"why": "Because"}, "delete": {"typed": "cardiac-mr"}}


def turn(client: Client, word: str, **sent: str) -> int:
    return client.post(f"{SETTINGS}{word}/", {**ASKED.get(word, {}), **sent}).status_code


def state_of(project: Project) -> str:
    project.refresh_from_db()
    return project.status


def told() -> set[str]:
    return set(Mail.objects.values_list("to", flat=True))


def test_an_administrator_suspends_and_resumes(project: Project, admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    assert turn(client, "suspend", why="Too many GPUs") == 302
    assert state_of(project) == Status.SUSPENDED
    assert not project.takes_work
    assert told() == {f"{name}@hospital.example" for name in ("alice", "bob", "vera")}
    mail = Mail.objects.get(to="bob@hospital.example")
    assert mail.subject == "Cardiac mr is suspended"
    assert "Too many GPUs" in mail.text
    assert turn(client, "resume") == 302
    assert state_of(project) == Status.READY
    assert [change.action for change in project.changes.order_by("pk")] == [Action.SUSPEND, Action.RESUME]
    actions = Entry.objects.filter(project_pk=project.pk, actor_pk=admin.pk).values_list("action", flat=True)
    assert list(actions) == ["project.suspended", "project.resumed"]


def test_a_suspension_needs_a_reason(project: Project, admin: User, client_of: ClientOf) -> None:
    answer = client_of(admin).post(f"{SETTINGS}suspend/", {"why": ""})
    assert answer.status_code == 200
    assert "This field is required" in answer.content.decode()
    assert state_of(project) == Status.READY


def test_an_owner_archives_and_an_administrator_restores(
    project: Project, alice: User, admin: User, client_of: ClientOf
) -> None:
    assert turn(client_of(alice), "archive") == 302
    assert state_of(project) == Status.ARCHIVED
    assert turn(client_of(alice), "restore") == 403
    assert turn(client_of(admin), "restore") == 302
    assert state_of(project) == Status.READY


def test_an_owner_schedules_the_deletion_by_typing_the_namespace(
    project: Project, alice: User, client_of: ClientOf
) -> None:
    client = client_of(alice)
    mistyped = client.post(f"{SETTINGS}delete/", {"typed": "cardiac"})
    assert mistyped.status_code == 200
    assert "Type cardiac-mr to confirm." in mistyped.content.decode()
    assert state_of(project) == Status.READY
    assert turn(client, "delete") == 302
    assert state_of(project) == Status.DELETION_SCHEDULED
    assert project.delete_at is not None
    grace = timedelta(days=settings.DELETION_GRACE_DAYS)
    assert grace - timedelta(minutes=1) < project.delete_at - timezone.now() < grace


def test_what_is_to_be_deleted_is_open_to_nobody_but_its_settings_to_owners(
    project: Project, alice: User, bob: User, admin: User, client_of: ClientOf
) -> None:
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    for user in (alice, bob, admin):
        for address in ("/projects/cardiac-mr/", "/projects/cardiac-mr/data/", "/projects/cardiac-mr/runs/"):
            assert client_of(user).get(address).status_code == 404
    assert [client_of(user).get(SETTINGS).status_code for user in (alice, admin, bob)] == [200, 200, 404]
    assert b"cardiac-mr" in client_of(alice).get("/").content
    assert b"cardiac-mr" not in client_of(bob).get("/").content


@pytest.mark.parametrize("before", [Status.READY, Status.SUSPENDED, Status.ARCHIVED, Status.PROVISIONING])
def test_undoing_a_deletion_brings_back_what_it_was(
    project: Project, alice: User, client_of: ClientOf, before: str
) -> None:
    Project.objects.filter(pk=project.pk).update(status=before)
    project.refresh_from_db()
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    assert turn(client_of(alice), "undo") == 302
    assert state_of(project) == before
    assert project.delete_at is None


def test_undoing_what_was_degraded_looks_anew(project: Project, alice: User) -> None:
    lifecycle.degrade(project, why="Orthanc does not run")
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    lifecycle.undo_deletion(project, by=alice)
    assert state_of(project) == Status.READY


def test_a_project_whose_last_day_is_over_is_not_resumed(project: Project, admin: User, client_of: ClientOf) -> None:
    lifecycle.suspend(project, by=admin, why="It ended")
    Project.objects.filter(pk=project.pk).update(ends_on=timezone.localdate() - timedelta(days=1))
    answer = client_of(admin).post(f"{SETTINGS}resume/", follow=True)
    assert "needs a later one first" in answer.content.decode()
    assert state_of(project) == Status.SUSPENDED


def test_a_second_click_finds_it_done(project: Project, admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    assert turn(client, "suspend") == 302
    answer = client.post(f"{SETTINGS}suspend/", {"why": "again"}, follow=True)
    assert "moved on already" in answer.content.decode()
    assert project.changes.count() == 1
    assert Mail.objects.count() == 3


def test_of_two_who_act_at_once_one_does(project: Project, admin: User, alice: User) -> None:
    stale = Project.objects.get(pk=project.pk)
    lifecycle.archive(project, by=alice)
    with pytest.raises(IllegalTransition):
        lifecycle.suspend(stale, by=admin, why="at the same time")
    assert state_of(project) == Status.ARCHIVED
    assert project.changes.count() == 1


WORDS = ("suspend", "resume", "archive", "restore", "delete", "undo", "resources")


@pytest.mark.parametrize("word", WORDS)
def test_outsiders_find_nothing_and_members_may_not(
    project: Project, bob: User, vera: User, charlie: User, client_of: ClientOf, word: str
) -> None:
    assert [turn(client_of(user), word) for user in (charlie, bob, vera)] == [404, 403, 403]
    assert client_of(bob).get(f"{SETTINGS}{word}/").status_code == 405
    assert state_of(project) == Status.READY


@pytest.mark.parametrize("word", ["suspend", "resume", "restore", "resources"])
def test_an_owner_does_not_do_what_administrators_do(
    project: Project, alice: User, client_of: ClientOf, word: str
) -> None:
    assert turn(client_of(alice), word) == 403


def test_a_scheduled_deletion_takes_back_what_was_asked(project: Project, alice: User) -> None:
    asked = ExtensionRequest.objects.create(
        project=project, asked_by=alice, ends_on=project.ends_on + timedelta(days=9), status="waiting", why="More"
    )
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    asked.refresh_from_db()
    assert asked.status == ExtensionRequest.Status.WITHDRAWN


def test_a_later_turn_ends_what_an_earlier_one_had_to_do(project: Project, admin: User) -> None:
    lifecycle.suspend(project, by=admin, why="First")
    lifecycle.resume(project, by=admin)
    suspended, resumed = project.changes.order_by("pk")
    assert suspended.done_at is not None
    assert resumed.done_at is None


def test_degraded_is_noted_and_forgotten_by_itself(project: Project, alice: User, client_of: ClientOf) -> None:
    lifecycle.degrade(project, why="Orthanc does not run")
    lifecycle.degrade(project, why="Orthanc does not run")
    assert state_of(project) == Status.DEGRADED
    assert project.takes_work
    assert "Orthanc does not run" in client_of(alice).get(SETTINGS).content.decode()
    lifecycle.recover(project)
    lifecycle.recover(project)
    assert state_of(project) == Status.READY
    assert project.events().filter(to_status=Status.DEGRADED).count() == 1


def test_what_is_suspended_is_not_degraded(project: Project, admin: User) -> None:
    lifecycle.suspend(project, by=admin, why="Pause")
    lifecycle.degrade(project, why="nothing runs")
    assert state_of(project) == Status.SUSPENDED


def test_the_end_of_a_deletion_leaves_the_row_and_no_member(project: Project, alice: User) -> None:
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    lifecycle.begin_deletion(project)
    invited = Invitation.objects.create(
        project=project,
        email="kim@uni.example",
        role="member",
        status=Invitation.Status.WAITING,
        invited_by=alice,
        digest="of a link",
        expires_at=timezone.now() + timedelta(days=14),
    )
    Mail.objects.all().delete()
    lifecycle.finish_deletion(project)
    lifecycle.finish_deletion(project)
    assert state_of(project) == Status.DELETED
    assert not project.memberships.exists()
    invited.refresh_from_db()
    assert invited.status == Invitation.Status.REVOKED
    assert sorted(Mail.objects.values_list("to", flat=True)) == sorted(told())
    assert Mail.objects.count() == 3
    assert Project.objects.filter(namespace="cardiac-mr").exists()


def test_an_owner_describes_the_project(project: Project, alice: User, client_of: ClientOf) -> None:
    client, address = client_of(alice), f"{SETTINGS}description/"
    unknown = client.post(address, {"description": "Hearts", "status": "deleted"})
    assert "no field &#x27;status&#x27;" in unknown.content.decode()
    assert client.post(address, {"description": "Hearts"}).status_code == 302
    project.refresh_from_db()
    assert (project.description, project.status) == ("Hearts", Status.READY)


def test_the_page_shows_what_the_person_can_do(project: Project, alice: User, admin: User, client_of: ClientOf) -> None:
    owners = client_of(alice).get(SETTINGS).content.decode()
    assert "Archive the project" in owners
    assert "Delete the project" in owners
    assert "Suspend the project" not in owners
    assert "Grant other values" not in owners
    administrators = client_of(admin).get(SETTINGS).content.decode()
    assert "Suspend the project" in administrators
    assert "Grant other values" in administrators
    assert "Ask for more time" not in administrators
