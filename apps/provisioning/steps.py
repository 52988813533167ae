"""How each of a project's things is made. Every step may run twice."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import ensure_account, password_link
from apps.archives.services import ensure_archive
from apps.core import mail
from apps.core.ledger import Action, StepFailed
from apps.projects.models import Membership
from apps.projects.services import ensure_member, mark_ready
from apps.provisioning.models import Provision


def make_account(project_pk: int) -> None:
    """Raises StepFailed for a person whose account an administrator has deactivated."""
    if not _owner(_provision(project_pk)).is_active:
        raise StepFailed("This person's account is deactivated: an administrator has to activate it first.")


def make_membership(project_pk: int) -> None:
    provision = _provision(project_pk)
    ensure_member(provision.project, _owner(provision), role=Membership.Role.OWNER)


def make_archive(project_pk: int) -> None:
    ensure_archive(_provision(project_pk).project)


def send_welcome(project_pk: int) -> None:
    """One mail however often it runs: the mark and the mail are written together."""
    provision = _provision(project_pk)
    with transaction.atomic():
        if not Provision.objects.filter(pk=provision.pk, welcomed_at=None).update(welcomed_at=timezone.now()):
            return
        owner = _owner(provision)
        link = "" if owner.has_usable_password() else password_link(owner)
        mail.post(
            to=owner.email,
            subject=f"Your project {provision.project.name} is set up",
            template="provisioning/mail/welcome.txt",
            context={"owner": owner, "project": provision.project, "password_link": link},
        )


def open_project(project_pk: int) -> None:
    mark_ready(_provision(project_pk).project)


ACTIONS: Mapping[str, Action] = {
    "account": make_account,
    "membership": make_membership,
    "archive": make_archive,
    "welcome": send_welcome,
    "ready": open_project,
}


def _provision(project_pk: int) -> Provision:
    return Provision.objects.select_related("project").get(project_id=project_pk)


def _owner(provision: Provision) -> User:
    return ensure_account(email=provision.email, name=provision.name, affiliation=provision.affiliation)
