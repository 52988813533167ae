"""Asking to join an existing project: the owners decide, and the requester never learns whether there is one."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core import mail
from apps.core.models import Mail
from apps.projects.models import Membership, Project
from apps.registrations import decisions, links
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.registrations.conftest import Make, join_answers, without
from tests.registrations.console import admit, path

Status = Registration.Status
JOIN = "/register/join/"


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
