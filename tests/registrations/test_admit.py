"""Owners decide on who joins their project."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.provisioning import members
from apps.registrations import links, services
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.queries import cost_of
from tests.registrations.conftest import Make, decision
from tests.registrations.console import admit, path

Status = Registration.Status


@pytest.mark.django_db
def test_an_owner_admits_and_the_person_is_in_at_once(
    client: Client, alice: User, joining: Make, project: Project, client_of: ClientOf, sweeps: Callable[[], None]
) -> None:
    registration = joining()
    owner = client_of(alice)
    assert "Jonas Lind" in owner.get("/approvals/").text
    assert "1 request" in owner.get("/").text
    page = admit(owner, registration, role="viewer")
    assert "The requester is in the project" in page
    membership = Membership.objects.get(project=project, user__email="jonas.lind@uni.example")
    assert membership.role == Membership.Role.VIEWER
    assert (membership.user.affiliation, membership.user.position) == ("Lund University", "Radiologist")
    assert Entry.objects.filter(
        action="registration.approved", actor_pk=alice.pk, project_pk=project.pk, subject_pk=registration.pk
    ).exists()
    registration.refresh_from_db()
    assert registration.status == Status.APPROVED
    members.sweep()
    sweeps()
    registration.refresh_from_db()
    assert registration.status == Status.PROVISIONED
    private = client.get(links.path_of(registration)).text
    assert "You are in the project" in private
    assert f"/projects/{project.namespace}/" in private
    assert Mail.objects.filter(to="jonas.lind@uni.example", subject__startswith="You are in the project").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_requesters_page_follows_along_to_the_end(
    client: Client, alice: User, joining: Make, client_of: ClientOf, bells: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = joining()
    private = links.path_of(registration)
    with monkeypatch.context() as patched:
        patched.setattr(members, "advance", lambda change: False)
        admit(client_of(alice), registration)
    assert "Mail to the person" in client.get(private).text
    assert f'hx-get="{private}progress/"' in client.get(private).text
    assert client.get(f"{private}progress/").status_code == 200
    members.sweep()
    assert client.get(f"{private}progress/")["HX-Refresh"] == "true"
    assert "You are in the project" in client.get(private).text


@pytest.mark.django_db
def test_a_step_that_failed_is_tried_again_by_an_owner(
    alice: User, charlie: User, joining: Make, client_of: ClientOf
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    registration = joining(email=charlie.email)
    owner = client_of(alice)
    admit(owner, registration)
    members.sweep()
    assert "deactivated" in owner.get(path(registration)).text
    User.objects.filter(pk=charlie.pk).update(is_active=True)
    assert "The step is tried again" in owner.post(path(registration, "retry/"), follow=True).text
    members.sweep()
    services.sweep()
    registration.refresh_from_db()
    assert registration.status == Status.PROVISIONED


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["bob", "vera", "charlie"])
def test_only_owners_of_that_project_see_and_decide(
    request: pytest.FixtureRequest,
    joining: Make,
    make_project: Callable[[str], Project],
    client_of: ClientOf,
    who: str,
) -> None:
    person = request.getfixturevalue(who)
    registration = joining()
    client = client_of(person)
    assert client.get("/approvals/").status_code == 404
    ensure_member(make_project("another"), person, role=Membership.Role.OWNER)
    assert "Jonas Lind" not in client.get("/approvals/?status=").text
    assert client.get(path(registration)).status_code == 404
    for part in ("approve/", "reject/", "changes/", "retry/"):
        assert client.post(path(registration, part), {"version": registration.version}).status_code == 404
    registration.refresh_from_db()
    assert registration.status == Status.EMAIL_VERIFIED


@pytest.mark.django_db
def test_owners_see_no_requests_for_new_projects_nor_earlier_ones_of_the_person(
    alice: User, approver: User, joining: Make, waiting: Make, client_of: ClientOf
) -> None:
    registration = joining()
    other = waiting(email=registration.email)
    assert client_of(alice).get(path(other)).status_code == 404
    assert "Prostate" not in client_of(alice).get(path(registration)).text
    assert "Prostate" in client_of(approver).get(path(registration)).text


@pytest.mark.django_db
def test_an_owner_is_asked_for_changes_and_the_requester_answers(
    client: Client, alice: User, joining: Make, client_of: ClientOf
) -> None:
    registration = joining()
    client_of(alice).post(path(registration, "changes/"), decision("changes/", registration, message="Which site?"))
    private = links.path_of(registration)
    assert "Which site?" in client.get(private).text
    empty = client.post(f"{private}answer/", {"answer": " "})
    assert "This field is required" in empty.text
    assert client.post(f"{private}answer/", {"answer": "The second one."})["Location"] == private
    registration.refresh_from_db()
    assert (registration.status, registration.deciders_told_at) == (Status.EMAIL_VERIFIED, None)
    page = client_of(alice).get(path(registration)).text
    assert "Answered" in page
    assert "The second one." in page
    assert "moved on already" in client.post(f"{private}answer/", {"answer": "Again."}, follow=True).text


@pytest.mark.django_db
def test_nobody_joins_a_project_that_takes_no_work(
    alice: User, joining: Make, client_of: ClientOf, project: Project
) -> None:
    registration = joining()
    project.move_to(Project.Status.ARCHIVED)
    assert "Nobody can join the project now: archived" in admit(client_of(alice), registration)
    assert not Membership.objects.filter(user__email=registration.email).exists()


@pytest.mark.django_db
def test_an_owner_does_not_decide_on_an_own_request(alice: User, joining: Make, client_of: ClientOf) -> None:
    registration = joining(email=alice.email)
    assert "your own request" in admit(client_of(alice), registration)


@pytest.mark.django_db
def test_the_owners_list_costs_no_more_with_more_rows(alice: User, joining: Make, client_of: ClientOf) -> None:
    client = client_of(alice)
    joining()
    before = cost_of(client, "/approvals/")
    for number in range(10):
        joining(email=f"{number}@uni.example")
    assert cost_of(client, "/approvals/") == before
