"""People by AUTH_MODE keycloak: found or made there, in the groups of their project, written to by Keycloak once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.accounts import identities
from apps.accounts.models import Identity, User
from apps.core import mail
from apps.core.models import Step
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.projects.models import Membership, Project
from apps.provisioning import plan, services, steps
from apps.provisioning.selectors import steps_for
from tests.provisioning.test_provision import IDA, approved_project

OWNERS = "MAIA:prostate-atlas:owner"
NAMES = ["account", "identity", "membership", "groups", "archive", "invitation", "welcome", "ready"]
Role = Membership.Role


def advance_later(project: Project) -> bool:
    Step.objects.update(status_changed_at=timezone.now() - timedelta(hours=1), look_again_at=None)
    return services.advance(project)


def assert_one_of_everything(keycloak: MemoryKeycloak, project: Project) -> None:
    project.refresh_from_db()
    assert project.status == Project.Status.READY
    (person,) = keycloak.people.values()
    identity = Identity.objects.get()
    assert (identity.subject, identity.issuer) == (person.subject, realm.issuer())
    assert (identity.user.email, identity.user.has_usable_password()) == (IDA.email, False)
    assert keycloak.groups_of(person.subject) == {OWNERS, "MAIA:users"}
    assert {"MAIA:prostate-atlas", "MAIA:prostate-atlas:viewer"} <= keycloak.groups.keys()
    membership = Membership.objects.get()
    assert (membership.user, membership.role) == (identity.user, Role.OWNER)
    assert membership.grouped_at


def test_somebody_new_is_made_and_written_to(keycloak: MemoryKeycloak, mailoutbox: list[EmailMessage]) -> None:
    project = approved_project()
    assert [step.name for step in steps_for(project)] == NAMES
    assert services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert [sent.actions for sent in keycloak.mails] == [("VERIFY_EMAIL", "UPDATE_PASSWORD")]
    mail.sweep()
    assert "Sign in with Keycloak" in mailoutbox[0].body
    assert "/password/" not in mailoutbox[0].body


def test_somebody_whose_address_keycloak_has_verified_is_adopted(keycloak: MemoryKeycloak) -> None:
    known = keycloak.add(IDA.email.upper())
    project = approved_project()
    services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert Identity.objects.get().subject == known.subject
    assert keycloak.mails == []


@pytest.mark.attacks
def test_somebody_whose_address_is_not_verified_is_not_adopted(keycloak: MemoryKeycloak) -> None:
    known = keycloak.add(IDA.email, is_email_verified=False)
    project = approved_project()
    assert not services.advance(project)
    assert "has not verified it" in steps_for(project)[1].last_error
    assert not Identity.objects.exists()
    assert not Membership.objects.exists()
    keycloak.change(known.subject, is_email_verified=True)
    services.retry(project, by=None)
    services.advance(project)
    assert_one_of_everything(keycloak, project)


@pytest.mark.attacks
def test_a_forged_mark_does_not_stand_for_a_proof(keycloak: MemoryKeycloak) -> None:
    known = keycloak.add(IDA.email, is_email_verified=False)
    for forged in ("", IDA.email, "1"):
        keycloak.change(known.subject, made_for=forged)
        project = Project.objects.first() or approved_project()
        services.retry(project, by=None)
        assert not services.advance(project)
    assert not Identity.objects.exists()


def test_somebody_disabled_is_not_adopted(keycloak: MemoryKeycloak) -> None:
    keycloak.add(IDA.email, is_enabled=False)
    project = approved_project()
    assert not services.advance(project)
    assert "disabled in Keycloak" in steps_for(project)[1].last_error


def test_one_person_there_is_not_two_here(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], alice: User
) -> None:
    hers = connected(alice)
    keycloak.change(hers.subject, email=IDA.email)
    project = approved_project()
    assert not services.advance(project)
    assert "another account" in steps_for(project)[1].last_error
    assert Identity.objects.get() == hers


def test_somebody_who_was_deleted_there_is_made_anew(keycloak: MemoryKeycloak) -> None:
    gone = identities.connect(
        User.objects.create_user(IDA.email, None, name=IDA.name), issuer=realm.issuer(), subject="gone"
    )
    project = approved_project()
    services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert not Identity.objects.filter(pk=gone.pk).exists()


@pytest.mark.parametrize("name", NAMES)
def test_each_step_may_run_twice(keycloak: MemoryKeycloak, name: str) -> None:
    project = approved_project()
    for step in NAMES[: NAMES.index(name) + 1]:
        steps.ACTIONS[step](project.pk)
    steps.ACTIONS[name](project.pk)
    services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert len(keycloak.mails) == 1


@pytest.mark.faults
@pytest.mark.parametrize("verb", ["create_person", "ensure_group", "ensure_membership", "send_actions_mail"])
def test_a_worker_killed_after_a_word_to_keycloak_is_succeeded(
    keycloak: MemoryKeycloak, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Like SIGKILL: nothing may catch it."""

    done = getattr(keycloak, verb)

    def die(*args: object, **kwargs: object) -> None:
        done(*args, **kwargs)
        raise Killed

    project = approved_project()
    with monkeypatch.context() as dying:
        dying.setattr(keycloak, verb, die)
        with pytest.raises(Killed):
            services.advance(project)
    assert advance_later(project)
    assert_one_of_everything(keycloak, project)


@pytest.mark.faults
def test_keycloak_down_is_waited_for(keycloak: MemoryKeycloak) -> None:
    keycloak.is_down = True
    project = approved_project()
    for _ in range(7):
        assert not advance_later(project)
    assert "does not answer" in steps_for(project)[1].last_error
    keycloak.is_down = False
    assert advance_later(project)
    assert_one_of_everything(keycloak, project)


@pytest.mark.faults
def test_a_mail_that_keycloak_cannot_send_is_shown_and_tried_again(keycloak: MemoryKeycloak) -> None:
    keycloak.is_mail_broken = True
    project = approved_project()
    for _ in range(7):
        assert not advance_later(project)
    assert "Failed to send" in steps_for(project)[NAMES.index("invitation")].last_error
    keycloak.is_mail_broken = False
    assert advance_later(project)
    assert len(keycloak.mails) == 1


def test_local_accounts_take_no_step_at_keycloak(db: None) -> None:
    names = [name for name, _ in plan.steps_of_new_project()]
    assert not {"identity", "groups", "invitation"} & set(names)
