"""Asking to join, and for names, more often than a person does."""

import re
from functools import partial

import pytest
from django.test import Client

from apps.accounts import limits as answer_limits
from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.invitations import Invitee, invite
from apps.projects.models import Membership, Project
from apps.registrations import decisions, limits, links, services
from apps.registrations.models import Registration
from tests.racing import at_once
from tests.registrations.conftest import answers, application, join_answers, join_application, without

pytestmark = pytest.mark.attacks


def asked() -> Registration:
    """A request that waits for approval."""
    registration = services.submit(application(), by=None)
    services.confirm_address(registration)
    return registration


@pytest.mark.django_db(transaction=True)
def test_of_many_clicks_one_asks_to_join(project: Project, charlie: User) -> None:
    application = join_application(name=charlie.name, email=charlie.email)
    works = [partial(services.submit, application, by=charlie)] * 4
    assert len(at_once(*works, refused=services.AlreadyAsked)) == 3
    assert Registration.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_of_a_stranger_proved_at_once_one_waits(project: Project) -> None:
    rows = [services.submit(join_application(), by=None) for _ in range(4)]
    refused = at_once(*[partial(services.confirm_address, row) for row in rows], refused=services.AlreadyAsked)
    assert len(refused) == 3
    assert "You have asked to join the project cardiac-mr already" in str(refused[0])
    statuses = sorted(Registration.objects.values_list("status", flat=True))
    assert statuses == [Registration.Status.EMAIL_VERIFIED] + [Registration.Status.SUBMITTED] * 3


@pytest.mark.parametrize("namespace", ["cardiac-mr", "none-of-this-name"])
def test_a_second_request_is_refused_whether_there_is_such_a_project_or_not(
    project: Project, charlie: User, namespace: str
) -> None:
    client = Client()
    client.force_login(charlie)
    fields = without(join_answers(namespace=namespace), "name", "email")
    assert client.post("/register/join/", fields).status_code == 302
    assert "that request waits for a decision" in client.post("/register/join/", fields).text
    assert Registration.objects.count() == 1


def test_the_form_tells_no_more_names_than_the_fragment(
    client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOOKUPS_A_CLIENT", 1)
    fields = answers(namespace=project.namespace)
    assert "cardiac-mr is taken" in client.post("/register/", fields).text
    assert client.post("/register/", fields).status_code == 429
    assert client.get("/register/").status_code == 200


def test_neither_does_the_edit_of_a_request(
    client: Client, project: Project, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = asked()
    decisions.ask_for_changes(registration, message="More?", by=approver)
    edit = f"{links.path_of(registration)}edit/"
    fields = without(answers(namespace=project.namespace), "terms")
    monkeypatch.setattr(limits, "LOOKUPS_A_CLIENT", 1)
    assert "cardiac-mr is taken" in client.post(edit, fields).text
    assert client.post(edit, fields).status_code == 429
    assert client.get(edit).status_code == 200


@pytest.mark.parametrize("part", ["confirm/", "answer/", "withdraw/", "retry/", "edit/"])
def test_a_private_link_is_not_used_without_end(
    client: Client, project: Project, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(answer_limits, "ANSWERS_A_CLIENT", 2)
    private = links.path_of(asked())
    answered = [client.post(f"{private}{part}") for _ in range(3)]
    assert answered[1].status_code != 429
    assert answered[2].status_code == 429
    assert answered[2]["Retry-After"] == "3600"
    assert client.post(f"/requests/guess/{part}").status_code == 429
    assert client.get(private).status_code == 200


@pytest.mark.parametrize("part", ["accept/", "decline/"])
def test_nor_is_the_link_of_an_invitation(
    client: Client, project: Project, alice: User, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(answer_limits, "ANSWERS_A_CLIENT", 1)
    invite(project, Invitee("ida.berg@uni.example", Membership.Role.MEMBER, "Ida Berg"), by=alice)
    found = re.search(r"/invitations/\S+", Mail.objects.latest("pk").text)
    assert found
    assert client.post(f"{found[0]}{part}").status_code in (200, 302)
    assert client.post(f"{found[0]}{part}").status_code == 429
    assert client.get(found[0]).status_code == 200
