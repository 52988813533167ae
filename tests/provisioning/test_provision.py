"""Setting a project up: five steps, each of which may run twice, at once with its twin, or after a kill."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import services as archives
from apps.core import mail
from apps.core.models import Mail, Step
from apps.projects.models import Membership, Project
from apps.projects.services import create_project
from apps.provisioning import plan, services, steps
from apps.provisioning.selectors import has_failed, lines_of, steps_for
from apps.provisioning.services import Requester
from tests.killing import end_claims
from tests.plans import project_plan

NAMES = [name for name, _ in plan.steps_of_new_project()]
IDA = Requester(email="ida.berg@uni.example", name="Ida Berg", affiliation="Uppsala University")


@pytest.fixture
def project(db: None) -> Project:
    return approved_project()


def approved_project() -> Project:
    project = create_project(project_plan("prostate-atlas", name="Prostate & <atlas>"), by=None)
    services.open_for(project, IDA)
    return project


def assert_one_of_everything(project: Project) -> None:
    project.refresh_from_db()
    assert project.status == Project.Status.READY
    owner = Membership.objects.get(project=project)
    assert (owner.user.email, owner.user.name, owner.role) == (IDA.email, IDA.name, Membership.Role.OWNER)
    assert project.archives.filter(is_default=True).count() == project.archives.count() == 1
    assert Mail.objects.filter(to=IDA.email).count() == 1
    assert {step.status for step in steps_for(project)} == {Step.Status.DONE}


def test_the_steps_set_the_project_up(project: Project, mailoutbox: list[EmailMessage]) -> None:
    assert services.advance(project)
    assert_one_of_everything(project)
    mail.sweep()
    message = mailoutbox[0]
    assert message.subject == "Your project Prostate & <atlas> is set up"
    assert "Hello Ida Berg" in message.body
    assert 'your project "Prostate & <atlas>"' in message.body
    assert "/account/password/reset/key/" in message.body
    assert f"{settings.PUBLIC_URL}/projects/prostate-atlas/" in message.body


def test_somebody_with_a_password_gets_no_link_to_set_one(db: None, mailoutbox: list[EmailMessage]) -> None:
    User.objects.create_user(IDA.email, "a long enough pass phrase", name="Ida")
    services.advance(approved_project())
    mail.sweep()
    assert "/password/" not in mailoutbox[0].body
    assert "Sign in with the password that you have" in mailoutbox[0].body


def test_advancing_and_sweeping_again_does_nothing_more(project: Project) -> None:
    for _ in range(2):
        services.advance(project)
        services.sweep()
    assert_one_of_everything(project)


@pytest.mark.parametrize("name", NAMES)
def test_each_step_may_run_twice(project: Project, name: str) -> None:
    steps.ACTIONS[name](project.pk)
    steps.ACTIONS[name](project.pk)
    services.advance(project)
    assert_one_of_everything(project)


@pytest.mark.faults
@pytest.mark.parametrize("killed_at", NAMES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_a_step_is_succeeded_by_the_sweep(
    project: Project, monkeypatch: pytest.MonkeyPatch, killed_at: str, when: str
) -> None:
    class Killed(BaseException):
        """Like SIGKILL: nothing in the ledger may catch it."""

    def die(project_pk: int) -> None:
        if when == "after":
            steps.ACTIONS[killed_at](project_pk)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(services, "ACTIONS", {**steps.ACTIONS, killed_at: die})
        with pytest.raises(Killed):
            services.advance(project)
    services.sweep()
    assert project.status == Project.Status.PROVISIONING  # the claim of the dead still holds
    end_claims()
    services.sweep()
    assert_one_of_everything(project)


def test_an_archive_that_cannot_be_made_is_tried_again_and_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(project: Project) -> None:
        raise OSError("No space left on device: /secret/path")

    with monkeypatch.context() as broken:
        broken.setattr(steps, "ensure_archive", full)
        assert not services.advance(project)
    failed = lines_of(steps_for(project))[2]
    assert failed.kind == "failed"
    assert "unexpected" in failed.sentence
    assert "tried again by itself" in failed.sentence
    assert "/secret" not in failed.sentence
    assert has_failed(steps_for(project))
    Step.objects.update(status_changed_at=timezone.now() - timedelta(hours=1))
    services.sweep()
    assert_one_of_everything(project)
    assert not has_failed(steps_for(project))


def test_a_deactivated_person_stops_it_with_a_sentence_until_somebody_retries(db: None, admin: User) -> None:
    owner = User.objects.create_user(IDA.email, "a long enough pass phrase", name=IDA.name, is_active=False)
    project = approved_project()
    assert not services.advance(project)
    assert "account is deactivated" in steps_for(project)[0].last_error
    owner.refresh_from_db()
    assert not owner.is_active
    User.objects.filter(pk=owner.pk).update(is_active=True)
    assert services.retry(project, by=admin)
    assert not services.retry(project, by=admin)
    assert services.advance(project)
    assert_one_of_everything(project)


def test_opening_twice_is_once(project: Project) -> None:
    services.open_for(project, Requester("other@uni.example", "Other", ""))
    services.advance(project)
    assert_one_of_everything(project)


def test_a_project_made_without_steps_has_none(make_project: Callable[[str], Project]) -> None:
    assert steps_for(make_project("plain")) == []


@pytest.mark.django_db(transaction=True)
def test_the_bell_sets_the_project_up_at_once(bells: list[str]) -> None:
    project = approved_project()
    assert_one_of_everything(project)
    assert bells[0] == "provisioning.advance"
    assert "core.sweep_mail" in bells


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_make_one_of_everything() -> None:
    project = approved_project()
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        try:
            services.advance(Project.objects.get(pk=project.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_one_of_everything(project)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", NAMES)
def test_a_step_at_once_with_its_twin_makes_one(name: str) -> None:
    project = approved_project()
    start, done = threading.Barrier(2), []

    def work() -> None:
        start.wait()
        try:
            steps.ACTIONS[name](project.pk)
            done.append(name)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [name, name]
    services.advance(project)
    assert_one_of_everything(project)


def test_the_archive_is_the_built_in_one(project: Project) -> None:
    services.advance(project)
    assert archives.ensure_archive(project) == project.archives.get()
