"""More time, asked by an owner and decided by an approver; resources, as an administrator grants them."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.models import Mail
from apps.core.state import IllegalTransition
from apps.projects import clock, granting, lifecycle
from apps.projects.models import ExtensionRequest, Membership, Project, ProjectChange
from apps.projects.services import Resources, ensure_member
from tests.conftest import ClientOf
from tests.programs import Program
from tests.queries import cost_of

Status, Asked = Project.Status, ExtensionRequest.Status
SETTINGS = "/projects/cardiac-mr/settings/"


@pytest.fixture
def later(project: Project) -> date:
    return project.ends_on + timedelta(days=90)


@pytest.fixture
def asked(project: Project, alice: User, later: date) -> ExtensionRequest:
    return granting.ask_extension(project, ends_on=later, why="Two more scanners", by=alice)


def test_an_owner_asks_and_the_approvers_are_told(
    project: Project, alice: User, admin: User, approver: User, later: date, client_of: ClientOf
) -> None:
    sent = {"ends_on": str(later), "why": "Two more scanners"}
    assert client_of(alice).post(f"{SETTINGS}extension/", sent).status_code == 302
    asked = ExtensionRequest.objects.get(project=project)
    assert (asked.status, asked.ends_on, asked.asked_by) == (Asked.WAITING, later, alice)
    assert set(Mail.objects.values_list("to", flat=True)) == {admin.email, approver.email}
    text = Mail.objects.all()[0].text
    assert f"/extensions/{asked.pk}/" in text
    assert "Two more scanners" in text
    assert "Withdraw the request" in client_of(alice).get(SETTINGS).content.decode()


def test_one_waits_at_a_time(asked: ExtensionRequest, alice: User, later: date, client_of: ClientOf) -> None:
    answer = client_of(alice).post(f"{SETTINGS}extension/", {"ends_on": str(later), "why": "Again"}, follow=True)
    assert "asked for this project already" in answer.content.decode()
    assert ExtensionRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("days", "sentence"), [(0, "Choose a day after"), (-400, "has passed"), (4000, "At most five years")]
)
def test_a_day_that_is_no_extension_is_refused(
    project: Project, alice: User, client_of: ClientOf, days: int, sentence: str
) -> None:
    sent = {"ends_on": str(project.ends_on + timedelta(days=days)), "why": "More"}
    assert sentence in client_of(alice).post(f"{SETTINGS}extension/", sent).content.decode()
    assert not ExtensionRequest.objects.exists()


def test_an_approver_grants_another_day(
    asked: ExtensionRequest, project: Project, approver: User, later: date, client_of: ClientOf
) -> None:
    client, given = client_of(approver), later - timedelta(days=30)
    assert "Two more scanners" in client.get(f"/extensions/{asked.pk}/").content.decode()
    sent = {"ends_on": str(given), "said": "One scanner"}
    assert client.post(f"/extensions/{asked.pk}/grant/", sent).status_code == 302
    project.refresh_from_db()
    asked.refresh_from_db()
    assert project.ends_on == given
    assert (asked.status, asked.decided_by, asked.said) == (Asked.GRANTED, approver, "One scanner")
    text = Mail.objects.get(to="alice@hospital.example").text
    assert "now runs until" in text
    assert "One scanner" in text


def test_an_approver_refuses_with_a_reason(
    asked: ExtensionRequest, project: Project, approver: User, client_of: ClientOf
) -> None:
    client, before = client_of(approver), project.ends_on
    assert "This field is required" in client.post(f"/extensions/{asked.pk}/refuse/", {}).content.decode()
    assert client.post(f"/extensions/{asked.pk}/refuse/", {"said": "No room"}).status_code == 302
    project.refresh_from_db()
    asked.refresh_from_db()
    assert (project.ends_on, asked.status) == (before, Asked.REFUSED)
    assert "No room" in Mail.objects.get(to="alice@hospital.example").text


def test_the_second_approver_sees_who_was_first(
    asked: ExtensionRequest, admin: User, approver: User, later: date, client_of: ClientOf
) -> None:
    client_of(approver).post(f"/extensions/{asked.pk}/refuse/", {"said": "No room"})
    answer = client_of(admin).post(f"/extensions/{asked.pk}/grant/", {"ends_on": str(later)}, follow=True)
    assert "Refused already by Anna" in answer.content.decode()
    assert ProjectChange.objects.count() == 0


def test_nobody_decides_on_their_own_request(asked: ExtensionRequest, alice: User, later: date) -> None:
    User.objects.filter(pk=alice.pk).update(platform_role=User.PlatformRole.ADMINISTRATOR)
    for decide in (
        lambda: granting.grant_extension(asked, ends_on=later, by=alice),
        lambda: granting.refuse_extension(asked, said="No", by=alice),
    ):
        with pytest.raises(granting.OwnRequest):
            decide()


def test_the_owner_withdraws(asked: ExtensionRequest, alice: User, approver: User, client_of: ClientOf) -> None:
    assert client_of(alice).post(f"{SETTINGS}extension/withdraw/").status_code == 302
    asked.refresh_from_db()
    assert asked.status == Asked.WITHDRAWN
    with pytest.raises(IllegalTransition):
        granting.refuse_extension(asked, said="No", by=approver)
    assert client_of(alice).post(f"{SETTINGS}extension/withdraw/").status_code == 404


def test_who_may_not_decide_finds_nothing(asked: ExtensionRequest, alice: User, bob: User, client_of: ClientOf) -> None:
    for user in (alice, bob):
        client = client_of(user)
        assert client.get("/extensions/").status_code == 404
        assert client.get(f"/extensions/{asked.pk}/").status_code == 404
        assert client.post(f"/extensions/{asked.pk}/refuse/", {"said": "x"}).status_code == 404


def test_more_time_ends_the_warnings_and_they_begin_anew(project: Project, admin: User) -> None:
    Project.objects.filter(pk=project.pk).update(ends_on=timezone.localdate() + timedelta(days=5))
    clock.sweep()
    granting.set_last_day(project, timezone.localdate() + timedelta(days=60), by=admin)
    project.refresh_from_db()
    assert (project.status, project.warned_at_days) == (Status.READY, None)
    granting.set_last_day(project, timezone.localdate() + timedelta(days=6), by=admin)
    clock.sweep()
    subjects = Mail.objects.filter(subject__contains=" ends in ").order_by("pk").values_list("subject", flat=True)
    assert list(subjects) == ["Cardiac mr ends in 5 days", "Cardiac mr ends in 6 days"]


def test_what_the_clock_had_stopped_goes_on_with_more_time(project: Project, alice: User, approver: User) -> None:
    Project.objects.filter(pk=project.pk).update(ends_on=timezone.localdate() - timedelta(days=1))
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.SUSPENDED
    later = timezone.localdate() + timedelta(days=90)
    asked = granting.ask_extension(project, ends_on=later, why="Sorry", by=alice)
    granting.grant_extension(asked, ends_on=later, by=approver)
    project.refresh_from_db()
    assert project.status == Status.READY


def test_what_an_administrator_suspended_stays_so(
    project: Project, asked: ExtensionRequest, admin: User, approver: User, later: date
) -> None:
    lifecycle.suspend(project, by=admin, why="Misuse")
    granting.grant_extension(asked, ends_on=later, by=approver)
    project.refresh_from_db()
    assert (project.status, project.ends_on) == (Status.SUSPENDED, later)


def test_an_administrator_grants_other_resources(project: Project, admin: User, client_of: ClientOf) -> None:
    sent = {
        "cpus": "16",
        "memory_gib": "32",
        "gpus": "0",
        "storage_gib": "200",
        "ends_on": str(project.ends_on),
    }
    client = client_of(admin)
    assert client.post(f"{SETTINGS}resources/", sent).status_code == 302
    allocation = project.allocation
    allocation.refresh_from_db()
    assert (allocation.granted_cpus, allocation.granted_gpus, allocation.requested_cpus) == (16, 0, 8)
    change = ProjectChange.objects.get(project=project)
    assert change.detail == {"granted_cpus": [8, 16], "granted_gpus": [1, 0]}
    told = Mail.objects.get(to="alice@hospital.example")
    assert told.subject == "Cardiac mr may use other resources"
    text = told.text
    assert "CPU cores: 16, was 8" in text
    assert "Memory" not in text
    assert "GPUs: 0, was 1" in client.get(SETTINGS).content.decode()
    client.post(f"{SETTINGS}resources/", sent)
    assert ProjectChange.objects.count() == 1


def test_nothing_is_granted_to_what_is_to_be_deleted(project: Project, admin: User, client_of: ClientOf) -> None:
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=admin)
    wanted = {"cpus": 16, "memory_gib": 32, "gpus": 0, "storage_gib": 200}
    sent = {**wanted, "ends_on": str(project.ends_on + timedelta(days=9))}
    answer = client_of(admin).post(f"{SETTINGS}resources/", sent, follow=True)
    assert "nothing can be granted to it" in answer.content.decode()
    assert Program(admin).put("/api/v1/projects/cardiac-mr/resources/", wanted).status_code == 409
    assert not ProjectChange.objects.exclude(action="schedule_deletion").exists()


def test_what_was_granted_just_before_the_end_is_followed_no_longer(project: Project, admin: User) -> None:
    granting.grant_resources(project, Resources(cpus=16, memory_gib=32, gpus=0, storage_gib=200), by=admin)
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=admin)
    granted = ProjectChange.objects.get(action="grant")
    assert granted.done_at is None
    lifecycle.begin_deletion(project)
    granted.refresh_from_db()
    assert granted.done_at


def test_the_lists_cost_the_same_whatever_their_length(
    project: Project,
    make_project: Callable[[str], Project],
    alice: User,
    admin: User,
    later: date,
    client_of: ClientOf,
) -> None:
    client = client_of(admin)
    of_project = f"/api/v1/projects/{project.namespace}"
    by_programs = (
        "/api/v1/projects/",
        "/api/v1/extensions/",
        f"{of_project}/extensions/",
        f"{of_project}/changes/",
    )
    addresses = ("/extensions/?all=1", "/projects/", SETTINGS, *by_programs)

    def add(count: int, prefix: str) -> None:
        for number in range(count):
            other = make_project(f"{prefix}-{number}")
            ensure_member(other, admin, role=Membership.Role.VIEWER)
            granting.ask_extension(other, ends_on=other.ends_on + timedelta(days=1), why="More", by=alice)
            granting.set_last_day(project, later + timedelta(days=Project.objects.count()), by=admin)

    add(2, "few")
    before = [cost_of(client, address) for address in addresses]
    add(10, "many")
    assert [cost_of(client, address) for address in addresses] == before


def test_the_list_of_all_projects_has_the_deleted_ones_for_administrators(
    project: Project, admin: User, alice: User, client_of: ClientOf
) -> None:
    Project.objects.filter(pk=project.pk).update(status=Status.DELETED)
    page = client_of(admin).get("/projects/?status=deleted&q=cardiac").content.decode()
    assert "cardiac-mr" in page
    assert "settings" not in page.partition("<table")[2].partition("</table>")[0]
    assert client_of(admin).get("/projects/?status=ready&q=nothing").status_code == 200
    assert client_of(alice).get("/projects/").status_code == 404
    assert client_of(admin).get(SETTINGS).status_code == 404
