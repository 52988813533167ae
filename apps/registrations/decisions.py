"""Deciding on a request, one verb each. The first decision counts; a later one raises IllegalTransition."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.clusters.services import place
from apps.projects.granting import OwnRequest
from apps.projects.models import Membership, Project
from apps.projects.services import ProjectPlan, create_project
from apps.provisioning.members import join_person
from apps.provisioning.services import Requester, open_for
from apps.registrations import letters, namespaces
from apps.registrations.applications import Grant, asked_resources
from apps.registrations.models import Registration
from apps.registrations.services import NamespaceTaken, send_back

Status = Registration.Status


class NoSuchProject(Exception):
    """The requester asks to join what there is not."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"There is no project {namespace}: reject the request, or ask for another name.")


def approve(registration: Registration, grant: Grant, *, by: User) -> Project:
    """Makes the project and writes down that it is to be set up: all of it or nothing.

    Raises OwnRequest, IllegalTransition when somebody was faster, and NamespaceTaken.
    """
    _refuse_own(registration, by)
    with transaction.atomic():
        registration.move_to(Status.APPROVED, by=by.pk, reserved_skeleton="")
        project = _make_project(registration, grant, by)
        Registration.objects.filter(pk=registration.pk).update(project=project)
        if grant.cluster:
            place(project, cluster=grant.cluster)
        open_for(project, _requester(registration), then="registrations.settle")
        letters.tell_approved(registration)
        record("registration.approved", actor=by.pk, project=project.pk, subject=registration)
    registration.project = project
    return project


def approve_join(registration: Registration, *, role: Membership.Role, by: User) -> None:
    """The requester is in the project from now on, with an account if there was none: all of it or nothing.

    Raises OwnRequest, NoSuchProject, IllegalTransition when somebody was faster, and MembersRefused.
    """
    _refuse_own(registration, by)
    project = registration.joins
    if project is None:
        raise NoSuchProject(registration.namespace)
    with transaction.atomic():
        registration.move_to(Status.APPROVED, by=by.pk)
        change = join_person(project, _requester(registration), role=role, by=by, then="registrations.settle_join")
        Registration.objects.filter(pk=registration.pk).update(membership_change=change)
        record("registration.approved", actor=by.pk, project=project.pk, subject=registration, role=role)
    registration.membership_change = change


def reject(registration: Registration, *, reason: str, by: User) -> None:
    """Raises OwnRequest, and IllegalTransition when somebody was faster."""
    _refuse_own(registration, by)
    with transaction.atomic():
        registration.move_to(Status.REJECTED, by=by.pk, why=reason, reserved_skeleton="")
        letters.tell_rejected(registration, reason)
        record("registration.rejected", actor=by.pk, project=registration.joins_id, subject=registration)


def ask_for_changes(registration: Registration, *, message: str, by: User) -> None:
    """Raises OwnRequest, and IllegalTransition when somebody was faster."""
    _refuse_own(registration, by)
    with transaction.atomic():
        send_back(registration, by=by, message=message)
        record("registration.changes_requested", actor=by.pk, project=registration.joins_id, subject=registration)


def _make_project(registration: Registration, grant: Grant, by: User) -> Project:
    asked = registration
    if not namespaces.is_free(asked.namespace, besides=asked):
        raise NamespaceTaken(asked.namespace)
    plan = ProjectPlan(
        name=asked.project_name,
        namespace=asked.namespace,
        description=asked.description,
        principal_investigator=asked.principal_investigator,
        starts_on=asked.starts_on or timezone.localdate(),
        ends_on=grant.ends_on,
        requested=asked_resources(asked),
        granted=grant.resources,
        gpu_type=asked.gpu_type,
        requested_at=asked.created_at,
    )
    try:
        return create_project(plan, by=by)
    except IntegrityError as error:
        raise NamespaceTaken(asked.namespace) from error


def _requester(registration: Registration) -> Requester:
    return Requester(registration.email, registration.name, registration.affiliation, registration.position)


def _refuse_own(registration: Registration, by: User) -> None:
    if registration.is_asked_by(by):
        raise OwnRequest
