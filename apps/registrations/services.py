"""What requesters do, and what the clock does. Deciding is in `decisions`."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.core.doorbell import ring
from apps.core.state import IllegalTransition
from apps.projects.look_alikes import skeleton_of
from apps.projects.models import Membership, Project
from apps.provisioning.members import is_finished
from apps.registrations import letters, links, namespaces
from apps.registrations.applications import Applicant
from apps.registrations.edits import edits_of
from apps.registrations.models import Registration

Status, Kind = Registration.Status, Registration.Kind
# What nobody proves or answers does not stay for ever: days in the state.
EXPIRES_AFTER_DAYS = {Status.SUBMITTED: 7, Status.CHANGES_REQUESTED: 60}
JOIN_EXPIRES_AFTER_DAYS = {**EXPIRES_AFTER_DAYS, Status.EMAIL_VERIFIED: 60}


class NamespaceTaken(Exception):
    """A project or another request with a proved address has the namespace; says so to the person who asked for it."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The namespace {namespace} has been taken meanwhile: choose another one.")


class JoinRefused(Exception):
    """Nobody has to decide on this request to join; says why to the person who asks."""


class AlreadyIn(JoinRefused):
    """The person who is signed in has a part in the project already."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"You are in the project {namespace} already.")


class AlreadyAsked(JoinRefused):
    """A request of the same mailbox to join the same project waits for its decision."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"You have asked to join the project {namespace} already: that request waits for a decision.")


def submit(application: Applicant, *, by: User | None) -> Registration:
    """A new request; `by` is the signed-in person, whose address counts as proved.

    Without one the address gets a mail with the private link. Raises NamespaceTaken and JoinRefused.
    """
    with transaction.atomic():
        registration = Registration.objects.create(
            **application.columns(),
            kind=application.KIND,
            terms_accepted_at=timezone.now(),
            submitted_by=by,
            status=Status.SUBMITTED,
            nonce=links.new_nonce(),
        )
        version = application.terms_version
        record("registration.submitted", actor=_pk(by), subject=registration, terms=version)
        if by is None:
            letters.ask_to_confirm(registration)
        else:
            _verify(registration, by=by, why="signed in")
            letters.tell_received(registration)
    return registration


def confirm_address(registration: Registration) -> None:
    """The private link was used: the address is proved and those who decide are told.

    When the namespace was taken meanwhile the request goes back to its requester at once. Raises IllegalTransition.
    """
    _need(registration, Status.SUBMITTED)
    with transaction.atomic():
        try:
            _verify(registration, by=None)
        except NamespaceTaken as taken:
            registration.move_to(Status.EMAIL_VERIFIED)
            send_back(registration, by=None, message=str(taken))
        record("registration.confirmed", actor=None, subject=registration)


def amend(registration: Registration, application: Applicant, *, by: User | None) -> None:
    """The edited request goes back to those who decide, or to its mailbox when the address is another one.

    Raises NamespaceTaken and JoinRefused, and IllegalTransition unless changes were asked.
    """
    _need(registration, Status.CHANGES_REQUESTED)
    fields = application.columns()
    edits = edits_of(registration, fields)
    if application.terms_version != registration.terms_version:
        fields["terms_accepted_at"] = timezone.now()
    with transaction.atomic():
        if application.email == registration.email:
            _verify(registration, by=by, **fields)
        else:
            nonce = links.new_nonce()
            registration.move_to(Status.SUBMITTED, nonce=nonce, reserved_skeleton="", **fields)
            letters.ask_to_confirm(registration)
        record("registration.amended", actor=_pk(by), subject=registration, **edits)


def answer(registration: Registration, *, text: str, by: User | None) -> None:
    """The requester answers what was asked and leaves the request as it is.

    Raises NamespaceTaken and JoinRefused, and IllegalTransition unless changes were asked.
    """
    _need(registration, Status.CHANGES_REQUESTED)
    with transaction.atomic():
        _verify(registration, by=by, why=text)
        record("registration.answered", actor=_pk(by), subject=registration)


def withdraw(registration: Registration, *, by: User | None) -> None:
    """The requester takes the request back. Raises IllegalTransition once it is decided."""
    is_proved = registration.status != Status.SUBMITTED
    with transaction.atomic():
        registration.move_to(Status.WITHDRAWN, by=_pk(by), reserved_skeleton="")
        if is_proved:
            letters.tell_withdrawn(registration)
        record("registration.withdrawn", actor=_pk(by), subject=registration)


def send_back(registration: Registration, *, by: User | None, message: str) -> None:
    """To the requester, who edits it or answers. Raises IllegalTransition."""
    registration.move_to(Status.CHANGES_REQUESTED, by=_pk(by), why=message)
    letters.ask_for_changes(registration, message)


def tell_deciders(registration: Registration) -> None:
    """Writes to the owners of the project that somebody asks to join. Twice is once.

    Not in the request itself: it would take longer for a project that there is.
    """
    waiting = Registration.objects.filter(pk=registration.pk, status=Status.EMAIL_VERIFIED, deciders_told_at=None)
    with transaction.atomic():
        if waiting.update(deciders_told_at=timezone.now()):
            letters.tell_owners(registration)


def settle(registration: Registration) -> None:
    """What was approved is there: the project is set up, or the requester a member. Twice is once."""
    if not _is_done(registration):
        return
    try:
        registration.move_to(Status.PROVISIONED)
    except IllegalTransition:
        return


def sweep() -> None:
    """Settles what is set up while its bell was lost, tells owners, and ends what nobody proved or answered, or whose
    project was deleted."""
    rows = Registration.objects.select_related("project", "joins", "membership_change")
    for registration in rows.filter(status=Status.APPROVED):
        settle(registration)
    for registration in rows.filter(kind=Kind.JOIN, status=Status.EMAIL_VERIFIED, deciders_told_at=None):
        tell_deciders(registration)
    _end_with_projects()
    _expire(Kind.NEW_PROJECT, EXPIRES_AFTER_DAYS)
    _expire(Kind.JOIN, JOIN_EXPIRES_AFTER_DAYS)


def _is_done(registration: Registration) -> bool:
    if registration.is_join:
        return registration.membership_change is not None and is_finished(registration.membership_change)
    return registration.project is not None and registration.project.status in Project.SET_UP


def _end_with_projects() -> None:
    is_deleted = Q(project__status=Project.Status.DELETED) | Q(joins__status=Project.Status.DELETED)
    for registration in Registration.objects.filter(is_deleted, status__in=[Status.APPROVED, Status.PROVISIONED]):
        was_set_up = registration.status == Status.PROVISIONED
        try:
            with transaction.atomic():
                registration.move_to(Status.PROJECT_DELETED)
                if not was_set_up and not registration.is_join:  # members are told by the project
                    letters.tell_deleted(registration)
                record("registration.project_deleted", actor=None, subject=registration)
        except IllegalTransition:
            continue


def _expire(kind: Registration.Kind, days_in_state: dict[Registration.Status, int]) -> None:
    for status, days in days_in_state.items():
        too_old = timezone.now() - timedelta(days=days)
        for registration in Registration.objects.filter(kind=kind, status=status, status_changed_at__lt=too_old):
            try:
                with transaction.atomic():
                    registration.move_to(Status.EXPIRED, reserved_skeleton="")
                    if status != Status.SUBMITTED:  # nobody has proved this address
                        letters.tell_expired(registration)
                    record("registration.expired", actor=None, subject=registration)
            except IllegalTransition:
                continue


def _need(registration: Registration, status: Registration.Status) -> None:
    # Both confirming and editing lead to EMAIL_VERIFIED, each from one state only.
    if registration.status != status:
        raise IllegalTransition(registration, Status.EMAIL_VERIFIED)


def _verify(registration: Registration, *, by: User | None, why: str = "", **fields: object) -> None:
    if registration.is_join:
        _verify_join(registration, by=by, why=why, **fields)
        return
    namespace = str(fields.get("namespace", registration.namespace))
    if not namespaces.is_free(namespace, besides=registration):
        raise NamespaceTaken(namespace)
    try:
        registration.move_to(
            Status.EMAIL_VERIFIED, by=_pk(by), why=why, reserved_skeleton=skeleton_of(namespace), **fields
        )
    except IntegrityError as error:  # another request was verified between the two statements
        raise NamespaceTaken(namespace) from error
    letters.tell_approvers(registration)


def _verify_join(registration: Registration, *, by: User | None, why: str, **fields: object) -> None:
    namespace = str(fields.get("namespace", registration.namespace))
    if by is not None and Membership.objects.filter(project__namespace=namespace, user=by).exists():
        raise AlreadyIn(namespace)
    joins = Project.objects.filter(namespace=namespace).first()
    try:
        registration.move_to(Status.EMAIL_VERIFIED, by=_pk(by), why=why, joins=joins, deciders_told_at=None, **fields)
    except IntegrityError as error:
        raise AlreadyAsked(namespace) from error
    ring("registrations.tell_deciders", registration.pk)


def _pk(user: User | None) -> int | None:
    return user.pk if user else None
