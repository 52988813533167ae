"""The private link of a request whose project is to be deleted, and then is."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from apps.accounts.models import User
from apps.core.models import Step
from apps.projects import lifecycle
from apps.projects.models import Project
from apps.projects.services import Resources
from apps.provisioning import members
from apps.registrations import decisions, links
from apps.registrations.applications import Grant
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.registrations.conftest import Make
from tests.registrations.console import admit, path

pytestmark = pytest.mark.django_db
Status = Registration.Status


def schedule(project: Project, by: User) -> None:
    project.refresh_from_db()
    lifecycle.schedule_deletion(project, typed=project.namespace, by=by)


def delete(project: Project) -> None:
    """All that follows from the deletion is done."""
    lifecycle.begin_deletion(project)
    lifecycle.finish_deletion(project)


@pytest.fixture
def approved(waiting: Make, approver: User) -> Registration:
    registration = waiting()
    decisions.approve(registration, Grant(Resources(1, 1, 0, 1), registration.ends_on), by=approver)
    return registration


def project_of(registration: Registration) -> Project:
    project = registration.project
    assert project is not None
    return project


def test_a_project_deleted_while_it_is_set_up_ends_its_request(
    client: Client, approved: Registration, admin: User, sweeps: Callable[[], None], mailoutbox: list[EmailMessage]
) -> None:
    project, private = project_of(approved), links.path_of(approved)
    schedule(project, admin)
    page = client.get(private).text
    assert "Project to be deleted on" in page
    assert "an owner or an administrator can still undo it" in page
    assert "hx-get" not in page
    assert client.get(f"{private}progress/")["HX-Refresh"] == "true"
    lifecycle.begin_deletion(project)
    sweeps()
    assert "Project being deleted" in client.get(private).text
    lifecycle.finish_deletion(project)
    assert "Nothing is left of the project" in client.get(private).text
    for _ in range(2):
        sweeps()
    approved.refresh_from_db()
    assert approved.status == Status.PROJECT_DELETED
    assert "The project was deleted" in client.get(private).text
    (told,) = [sent for sent in mailoutbox if sent.to == [approved.email] and "is deleted" in sent.subject]
    assert "before it was set up" in told.body


def test_a_deletion_that_is_undone_lets_the_setting_up_go_on(
    client: Client, approved: Registration, admin: User, sweeps: Callable[[], None]
) -> None:
    schedule(project_of(approved), admin)
    sweeps()
    approved.refresh_from_db()
    assert approved.status == Status.APPROVED
    project = Project.objects.get(namespace=approved.namespace)
    lifecycle.undo_deletion(project, by=admin)
    assert "hx-get" in client.get(links.path_of(approved)).text
    sweeps()
    assert "Open the project" in client.get(links.path_of(approved)).text


def test_a_step_that_failed_is_not_tried_again_for_a_project_that_is_to_be_deleted(
    client: Client, approved: Registration, admin: User
) -> None:
    Step.objects.update(status=Step.Status.FAILED)
    assert "Retry" in client.get(links.path_of(approved)).text
    schedule(project_of(approved), admin)
    page = client.get(links.path_of(approved)).text
    assert "Retry" not in page
    assert "Setting up stopped" not in page


def test_a_project_deleted_long_after_leads_nobody_into_it(
    client: Client,
    approved: Registration,
    admin: User,
    client_of: ClientOf,
    sweeps: Callable[[], None],
    mailoutbox: list[EmailMessage],
) -> None:
    sweeps()
    approved.refresh_from_db()
    assert approved.status == Status.PROVISIONED
    project, private = project_of(approved), links.path_of(approved)
    schedule(project, admin)
    assert "Open the project" not in client.get(private).text
    delete(project)
    sweeps()
    page = client.get(private).text
    assert "The project was deleted" in page
    assert f"/projects/{approved.namespace}/" not in page
    assert "Project deleted" in client_of(admin).get(path(approved)).text
    assert not [sent for sent in mailoutbox if "before it was set up" in sent.body]


@pytest.mark.parametrize("is_finished", [True, False])
def test_who_was_admitted_learns_that_the_project_is_no_more(
    client: Client,
    alice: User,
    joining: Make,
    project: Project,
    client_of: ClientOf,
    sweeps: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    is_finished: bool,
) -> None:
    registration = joining()
    with monkeypatch.context() as patched:
        patched.setattr(members, "advance", lambda change: is_finished)
        admit(client_of(alice), registration)
    if is_finished:
        members.sweep()
        sweeps()
    private = links.path_of(registration)
    schedule(project, alice)
    assert "Project to be deleted" in client.get(private).text
    delete(project)
    sweeps()
    registration.refresh_from_db()
    assert registration.status == Status.PROJECT_DELETED
    assert "The project was deleted" in client.get(private).text


def test_home_lists_it_until_it_is_deleted(
    approver: User, admin: User, alice: User, waiting: Make, client_of: ClientOf, sweeps: Callable[[], None]
) -> None:
    registration = waiting(by=alice)
    project = decisions.approve(registration, Grant(Resources(1, 1, 0, 1), registration.ends_on), by=approver)
    home = client_of(alice)
    schedule(project, admin)
    assert "Project to be deleted" in home.get("/").text
    delete(project)
    sweeps()
    assert registration.title not in home.get("/").text
