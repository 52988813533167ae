from dataclasses import asdict, dataclass
from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.clusters.models import Cluster
from apps.clusters.services import place
from apps.core.state import IllegalTransition
from apps.projects.models import Project
from apps.projects.services import ProjectPlan, Resources, create_project
from apps.provisioning.services import Requester, open_for
from apps.registrations import letters, links, namespaces
from apps.registrations.models import Registration

Status = Registration.Status
# What nobody proves or answers does not stay for ever: days in the state.
EXPIRES_AFTER_DAYS = {Status.SUBMITTED: 7, Status.CHANGES_REQUESTED: 60}


class NamespaceTaken(Exception):
    """A project or another request with a proved address has the namespace; says so to the person who asked for it."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The namespace {namespace} has been taken meanwhile: choose another one.")


class OwnRequest(Exception):
    """Nobody decides on a request of their own."""


@dataclass(frozen=True)
class Application:
    """What the form asks for."""

    name: str
    email: str
    affiliation: str
    purpose: str
    project_name: str
    namespace: str
    description: str
    principal_investigator: str
    cpus: int
    memory_gib: int
    gpus: int
    storage_gib: int
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Grant:
    """What an approver gives, which may differ from what was asked."""

    resources: Resources
    ends_on: date
    cluster: Cluster | None = None


def submit(application: Application, *, by: User | None) -> Registration:
    """A new request; `by` is the signed-in person, whose address counts as proved.

    Without one the address gets a mail with the private link. Raises NamespaceTaken.
    """
    with transaction.atomic():
        registration = Registration.objects.create(
            **asdict(application), submitted_by=by, status=Status.SUBMITTED, nonce=links.new_nonce()
        )
        record("registration.submitted", actor=_pk(by), subject=registration)
        if by is None:
            letters.ask_to_confirm(registration)
        else:
            _verify(registration, by=by, why="signed in")
    return registration


def confirm_address(registration: Registration) -> None:
    """The private link was used: the address is proved and the approvers are told.

    When the namespace was taken meanwhile the request goes back to its requester at once. Raises IllegalTransition.
    """
    _need(registration, Status.SUBMITTED)
    with transaction.atomic():
        try:
            _verify(registration, by=None)
        except NamespaceTaken as taken:
            registration.move_to(Status.EMAIL_VERIFIED)
            _send_back(registration, by=None, message=str(taken))
        record("registration.confirmed", actor=None, subject=registration)


def amend(registration: Registration, application: Application, *, by: User | None) -> None:
    """The edited request goes back to the approvers, or to its mailbox when the address is another one.

    Raises NamespaceTaken, and IllegalTransition unless changes were asked.
    """
    _need(registration, Status.CHANGES_REQUESTED)
    fields = asdict(application)
    with transaction.atomic():
        if application.email == registration.email:
            _verify(registration, by=by, **fields)
        else:
            nonce = links.new_nonce()
            registration.move_to(Status.SUBMITTED, nonce=nonce, is_namespace_reserved=False, **fields)
            letters.ask_to_confirm(registration)
        record("registration.amended", actor=_pk(by), subject=registration)


def withdraw(registration: Registration, *, by: User | None) -> None:
    """The requester takes the request back. Raises IllegalTransition once it is decided."""
    with transaction.atomic():
        registration.move_to(Status.WITHDRAWN, by=_pk(by), is_namespace_reserved=False)
        record("registration.withdrawn", actor=_pk(by), subject=registration)


def approve(registration: Registration, grant: Grant, *, by: User) -> Project:
    """Makes the project and writes down that it is to be set up: all of it or nothing.

    Raises OwnRequest, IllegalTransition when somebody was faster, and NamespaceTaken.
    """
    _refuse_own(registration, by)
    with transaction.atomic():
        registration.move_to(Status.APPROVED, by=by.pk, is_namespace_reserved=False)
        project = _make_project(registration, grant, by)
        Registration.objects.filter(pk=registration.pk).update(project=project)
        if grant.cluster:
            place(project, cluster=grant.cluster)
        requester = Requester(registration.email, registration.name, registration.affiliation)
        open_for(project, requester, then="registrations.settle")
        record("registration.approved", actor=by.pk, project=project.pk, subject=registration)
    registration.project = project
    return project


def reject(registration: Registration, *, reason: str, by: User) -> None:
    """Raises OwnRequest, and IllegalTransition when somebody was faster."""
    _refuse_own(registration, by)
    with transaction.atomic():
        registration.move_to(Status.REJECTED, by=by.pk, why=reason, is_namespace_reserved=False)
        letters.tell_rejected(registration, reason)
        record("registration.rejected", actor=by.pk, subject=registration)


def ask_for_changes(registration: Registration, *, message: str, by: User) -> None:
    """Raises OwnRequest, and IllegalTransition when somebody was faster."""
    _refuse_own(registration, by)
    with transaction.atomic():
        _send_back(registration, by=by, message=message)
        record("registration.changes_requested", actor=by.pk, subject=registration)


def settle(registration: Registration) -> None:
    """The project of an approved request is set up. Twice is once."""
    if registration.project is None or registration.project.status != Project.Status.READY:
        return
    try:
        registration.move_to(Status.PROVISIONED)
    except IllegalTransition:
        return


def sweep() -> None:
    """Settles what is set up while its bell was lost, and ends what nobody proved or answered."""
    for registration in Registration.objects.select_related("project").filter(status=Status.APPROVED):
        settle(registration)
    _expire()


def _expire() -> None:
    for status, days in EXPIRES_AFTER_DAYS.items():
        too_old = timezone.now() - timedelta(days=days)
        for registration in Registration.objects.filter(status=status, status_changed_at__lt=too_old):
            try:
                registration.move_to(Status.EXPIRED, is_namespace_reserved=False)
            except IllegalTransition:
                continue


def _need(registration: Registration, status: Registration.Status) -> None:
    # Both confirming and editing lead to EMAIL_VERIFIED, each from one state only.
    if registration.status != status:
        raise IllegalTransition(registration, Status.EMAIL_VERIFIED)


def _verify(registration: Registration, *, by: User | None, why: str = "", **fields: object) -> None:
    namespace = str(fields.get("namespace", registration.namespace))
    if not namespaces.is_free(namespace, besides=registration):
        raise NamespaceTaken(namespace)
    try:
        registration.move_to(Status.EMAIL_VERIFIED, by=_pk(by), why=why, is_namespace_reserved=True, **fields)
    except IntegrityError as error:  # another request was verified between the two statements
        raise NamespaceTaken(namespace) from error
    letters.tell_approvers(registration)


def _send_back(registration: Registration, *, by: User | None, message: str) -> None:
    registration.move_to(Status.CHANGES_REQUESTED, by=_pk(by), why=message)
    letters.ask_for_changes(registration, message)


def _make_project(registration: Registration, grant: Grant, by: User) -> Project:
    asked = registration
    plan = ProjectPlan(
        name=asked.project_name,
        namespace=asked.namespace,
        description=asked.description,
        principal_investigator=asked.principal_investigator,
        starts_on=asked.starts_on,
        ends_on=grant.ends_on,
        requested=Resources(asked.cpus, asked.memory_gib, asked.gpus, asked.storage_gib),
        granted=grant.resources,
    )
    try:
        return create_project(plan, by=by)
    except IntegrityError as error:
        raise NamespaceTaken(asked.namespace) from error


def _refuse_own(registration: Registration, by: User) -> None:
    if registration.is_asked_by(by):
        raise OwnRequest


def _pk(user: User | None) -> int | None:
    return user.pk if user else None
