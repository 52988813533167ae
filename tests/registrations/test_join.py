"""Asking to join an existing project: the owners decide, and the requester never learns whether there is one."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core import mail
from apps.core.models import Mail
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.provisioning import members
from apps.registrations import decisions, links, services
from apps.registrations.models import Registration
from tests.conftest import make_person
from tests.queries import cost_of
from tests.racing import at_once
from tests.registrations.conftest import Make, decision, join_answers, without

ClientOf = Callable[[User], Client]
Status = Registration.Status
JOIN = "/register/join/"


def path(registration: Registration, part: str = "") -> str:
    return f"/approvals/{registration.pk}/{part}"


def admit(client: Client, registration: Registration, role: str = "member") -> str:
    sent = {"version": registration.version, "role": role}
    return client.post(path(registration, "approve/"), sent, follow=True).text


@pytest.mark.django_db
def test_a_stranger_asks_and_the_owners_are_told(
    client: Client, project: Project, alice: User, approver: User, bells: list[str], mailoutbox: list[EmailMessage]
) -> None:
    assert "Namespace of the project" in client.get(JOIN).text
    answer = client.post(JOIN, join_answers())
    assert answer["Location"] == "/register/sent/"
    registration = Registration.objects.get()
    assert (registration.status, registration.joins, registration.wanted_role) == (Status.SUBMITTED, None, "member")
    assert registration.terms_version
    client.post(f"{links.path_of(registration)}confirm/")
    registration.refresh_from_db()
    assert (registration.status, registration.joins) == (Status.EMAIL_VERIFIED, project)
    mail.sweep()
    told = [message for message in mailoutbox if "waits for approval" in message.subject]
    assert [message.to for message in told] == [[alice.email]]
    assert path(registration) in told[0].body
    assert "Jonas Lind, Lund University" in told[0].body


@pytest.mark.django_db
def test_owners_are_told_by_the_sweep_when_the_bell_is_lost_and_once(joining: Make, sweeps: Callable[[], None]) -> None:
    joining()
    sweeps()
    sweeps()
    assert Mail.objects.filter(subject__startswith="A request waits").count() == 1


@pytest.mark.django_db
def test_without_an_owner_who_is_active_the_approvers_are_told(
    joining: Make, alice: User, approver: User, sweeps: Callable[[], None]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    joining()
    sweeps()
    assert list(Mail.objects.filter(subject__startswith="A request waits").values_list("to", flat=True)) == [
        approver.email
    ]


def seen_of(client: Client, registration: Registration) -> list[str]:
    """What the requester of this request sees, without the request's own words."""
    private = links.path_of(registration)
    pages = [client.get(private), client.post(f"{private}confirm/", follow=True), client.get(private)]
    texts = [re.search(r"<main.*</main>", page.text, re.DOTALL) for page in pages]
    own = rf"{re.escape(private)}|{registration.namespace}|<input[^>]*csrf[^>]*>|<time.*?</time>"
    return [re.sub(own, "…", text[0]) for text in texts if text]


@pytest.mark.django_db
def test_the_answer_is_the_same_whether_there_is_such_a_project(client: Client, project: Project) -> None:
    seen = {}
    for namespace in (project.namespace, "no-such-one"):
        answer = client.post(JOIN, join_answers(namespace=namespace, email=f"{namespace}@uni.example"))
        assert (answer.status_code, answer["Location"]) == (302, "/register/sent/")
        registration = Registration.objects.get(namespace=namespace)
        Registration.objects.update(email="jonas@uni.example")
        seen[namespace] = seen_of(client, registration)
    assert len(seen[project.namespace]) == 3
    assert seen[project.namespace] == seen["no-such-one"]
    assert "An owner of the project has to decide" in seen["no-such-one"][2]


@pytest.mark.django_db
def test_nothing_that_the_requester_sees_names_the_project_or_its_owners(
    client: Client, joining: Make, project: Project
) -> None:
    Project.objects.update(name="Secret name of the project")
    page = client.get(links.path_of(joining())).text
    assert "Secret name" not in page
    assert "Alice" not in page


@pytest.mark.django_db
def test_a_request_to_join_nothing_waits_for_the_approvers(
    joining: Make, approver: User, alice: User, client_of: ClientOf, sweeps: Callable[[], None]
) -> None:
    registration = joining(namespace="no-such-one")
    sweeps()
    assert not Mail.objects.filter(subject__startswith="A request waits").exists()
    assert "which does not exist" in client_of(approver).get(path(registration)).text
    assert "There is no project no-such-one" in admit(client_of(approver), registration)
    registration.refresh_from_db()
    assert registration.status == Status.EMAIL_VERIFIED
    assert client_of(alice).get(path(registration)).status_code == 404


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
def test_a_request_to_join_is_edited(client: Client, alice: User, joining: Make, make_project: Make) -> None:
    other = make_project("other-one")
    registration = joining()
    decisions.ask_for_changes(registration, message="You mean other-one.", by=alice)
    sent = without(join_answers(namespace="other-one"), "terms")
    answer = client.post(f"{links.path_of(registration)}edit/", sent)
    assert answer["Location"] == links.path_of(registration)
    registration.refresh_from_db()
    assert (registration.status, registration.joins) == (Status.EMAIL_VERIFIED, other)


@pytest.mark.django_db
def test_who_is_in_the_project_already_is_told_so(
    bob: User, alice: User, joining: Make, client_of: ClientOf, project: Project
) -> None:
    sent = without(join_answers(), "name", "email")
    assert "You are in the project cardiac-mr already" in client_of(bob).post(JOIN, sent).text
    assert not Registration.objects.exists()
    by_mail = joining(email=bob.email)
    assert "Bob is in this project already" in admit(client_of(alice), by_mail)
    by_mail.refresh_from_db()
    assert by_mail.status == Status.EMAIL_VERIFIED


@pytest.mark.django_db
def test_nobody_joins_a_project_that_takes_no_work(
    alice: User, joining: Make, client_of: ClientOf, project: Project
) -> None:
    registration = joining()
    project.move_to(Project.Status.ARCHIVED)
    assert "Nobody can join the project now: archived" in admit(client_of(alice), registration)
    assert not Membership.objects.filter(user__email=registration.email).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["owner", "", "administrator"])
def test_a_role_that_nobody_may_ask_for_is_refused(
    client: Client, alice: User, joining: Make, client_of: ClientOf, role: str
) -> None:
    assert "wanted_role" in client.post(JOIN, join_answers(wanted_role=role)).context["form"].errors
    registration = joining()
    admit(client_of(alice), registration, role=role)
    assert not Membership.objects.filter(user__email=registration.email).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("namespace", "says"),
    [
        ("саrdiac-mr", "CYRILLIC SMALL LETTER ES"),
        ("cardiac\u200b-mr", "cannot be seen (U+200B"),
        ("Cardiac-MR", "lower-case letters alone: cardiac-mr"),
        ("cardiac mr", "lower-case letters, digits and hyphens"),
    ],
)
def test_a_misspelt_namespace_gets_its_sentence(client: Client, namespace: str, says: str) -> None:
    assert says in client.post(JOIN, join_answers(namespace=namespace)).context["form"].errors["namespace"][0]


@pytest.mark.django_db
def test_an_owners_link_fills_in_the_namespace(client: Client) -> None:
    assert 'value="cardiac-mr"' in client.get(JOIN, {"project": "cardiac-mr"}).text


@pytest.mark.django_db
def test_what_no_owner_answers_expires_whether_there_is_an_owner_or_not(
    joining: Make, waiting: Make, sweeps: Callable[[], None]
) -> None:
    rows = [joining(), joining(namespace="no-such-one", email="x@uni.example"), waiting()]
    Registration.objects.update(status_changed_at=timezone.now() - timedelta(days=61))
    sweeps()
    states = [Registration.objects.get(pk=row.pk).status for row in rows]
    assert states == [Status.EXPIRED, Status.EXPIRED, Status.EMAIL_VERIFIED]
    assert Mail.objects.filter(subject__startswith="Your request has expired").count() == 2


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


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["join", "new project"])
def test_an_approval_racing_a_withdrawal_has_one_winner(
    bells: list[str], kind: str, joining: Make, waiting: Make, client_of: ClientOf, alice: User, approver: User
) -> None:
    registration = joining() if kind == "join" else waiting()
    decider = client_of(alice if kind == "join" else approver)
    sent = decision("approve/", registration) if kind != "join" else {"version": registration.version, "role": "member"}
    at_once(
        lambda: decider.post(path(registration, "approve/"), sent),
        lambda: Client().post(f"{links.path_of(registration)}withdraw/"),
    )
    registration.refresh_from_db()
    is_in = Membership.objects.filter(user__email=registration.email).exists()
    outcomes = set(registration.events().values_list("to_status", flat=True))
    assert len(outcomes & {Status.APPROVED, Status.WITHDRAWN}) == 1
    assert is_in == (Status.APPROVED in outcomes)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_owners_who_admit_at_once_one_counts(bells: list[str], project: Project, joining: Make) -> None:
    registration = joining()
    owners = [make_person(f"owner{number}") for number in range(10)]
    clients = [Client() for _ in owners]
    for client, owner in zip(clients, owners, strict=True):
        ensure_member(project, owner, role=Membership.Role.OWNER)
        client.force_login(owner)
    pages: list[str] = []

    def decide(client: Client) -> None:
        pages.append(admit(client, registration))

    at_once(*[partial(decide, client) for client in clients])
    assert sum("Approved. The requester is in the project" in page for page in pages) == 1
    assert sum("Already approved by Owner" in page for page in pages) == 9
    assert Membership.objects.filter(user__email=registration.email).count() == 1
