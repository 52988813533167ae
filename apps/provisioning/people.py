"""The steps that concern people.

Every step may run twice. Towards Keycloak nothing is asked before it is known what is there, so that a step that died
in the middle finds what it made.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts import identities
from apps.accounts.keycloak import is_in_use
from apps.accounts.models import Identity, User
from apps.accounts.services import ensure_account, password_link
from apps.core import mail
from apps.core.ledger import Action, StepFailed, StepWaits
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.port import (
    UPDATE_PASSWORD,
    VERIFY_EMAIL,
    KeycloakDirectory,
    KeycloakRefused,
    KeycloakUnreachable,
    Person,
    PersonExists,
)
from apps.projects import groups
from apps.projects.models import Membership
from apps.projects.services import ensure_member
from apps.provisioning.group_sync import tell
from apps.provisioning.models import Provision

DISABLED = "This person is disabled in Keycloak: an administrator has to enable them there first."
DEACTIVATED = "This person's account is deactivated: an administrator has to activate it first."
UNPROVED = (
    "Keycloak has somebody with this e-mail address and has not verified it: an administrator has to make sure who it "
    "is, and then mark the address as verified there."
)
CONNECTED_ELSEWHERE = (
    "The person with this e-mail address in Keycloak has another account in this portal: an administrator has to clear "
    "up which of the two it is."
)


def make_account(project_pk: int) -> None:
    """Raises StepFailed for a person whose account an administrator has deactivated."""
    if not _owner(_provision(project_pk)).is_active:
        raise StepFailed(DEACTIVATED)


def make_identity(project_pk: int) -> None:
    """The owner's person in Keycloak: adopted only by an address that Keycloak has verified, otherwise made."""
    connect_person(_owner(_provision(project_pk)))


def make_membership(project_pk: int) -> None:
    provision = _provision(project_pk)
    ensure_member(provision.project, _owner(provision), role=Membership.Role.OWNER)


def make_groups(project_pk: int) -> None:
    provision = _provision(project_pk)
    membership = Membership.objects.filter(project=provision.project, user=_owner(provision)).first()

    def make(directory: KeycloakDirectory) -> None:
        for group in groups.groups_of(provision.project.namespace).values():
            directory.ensure_group(group)
        if membership is not None:  # the owner may have been removed since
            tell(directory, membership)

    with_keycloak(make)


def connect_person(user: User) -> None:
    """Somebody of this portal becomes one of Keycloak's. Twice is once. Raises StepFailed and StepWaits."""
    with_keycloak(lambda directory: _ensure_identity(directory, user))


def invite(project_pk: int) -> None:
    invite_person(_owner(_provision(project_pk)))


def invite_person(user: User) -> None:
    """Keycloak's mail to verify the address and set a password, for a person without either.

    A worker that dies between the two writes sends it twice, never not at all. Raises StepFailed and StepWaits.
    """
    identity = identities.identity_of(user)
    if identity is None or identity.invited_at is not None:
        return
    with_keycloak(lambda directory: _invite(directory, identity))
    identities.invited(identity)


def send_welcome(project_pk: int) -> None:
    """One mail however often it runs: the mark and the mail are written together."""
    provision = _provision(project_pk)
    with transaction.atomic():
        if not Provision.objects.filter(pk=provision.pk, welcomed_at=None).update(welcomed_at=timezone.now()):
            return
        owner = _owner(provision)
        needs_link = not is_in_use() and not owner.has_usable_password()
        mail.post(
            to=owner.email,
            subject=f"Your project {provision.project.name} is set up",
            template="provisioning/mail/welcome.txt",
            context={
                "owner": owner,
                "project": provision.project,
                "password_link": password_link(owner) if needs_link else "",
                "at_keycloak": is_in_use(),
            },
        )


ACTIONS: Mapping[str, Action] = {
    "account": make_account,
    "identity": make_identity,
    "membership": make_membership,
    "groups": make_groups,
    "invitation": invite,
    "welcome": send_welcome,
}


def with_keycloak(work: Callable[[KeycloakDirectory], None]) -> None:
    """Raises StepWaits while Keycloak does not answer or has trouble of its own, and StepFailed when it refuses."""
    try:
        work(realm.directory())
    except KeycloakUnreachable as error:
        raise StepWaits("Keycloak does not answer; waiting for it.") from error
    except KeycloakRefused as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # as while the realm's mail server is down
            raise StepWaits(f"{error} It is tried again by itself.") from error
        raise StepFailed(str(error)) from error


def _ensure_identity(directory: KeycloakDirectory, user: User) -> None:
    identity = identities.identity_of(user)
    if identity is not None:
        if directory.person(identity.subject) is not None:
            return
        identities.forget(identity, is_gone=True)
    person = _adopted(directory, user) or _made(directory, user)
    try:
        identities.connect(user, issuer=realm.issuer(), subject=person.subject)
    except identities.IdentityTaken as error:
        raise StepFailed(CONNECTED_ELSEWHERE) from error


def _adopted(directory: KeycloakDirectory, user: User) -> Person | None:
    """Who has this address in Keycloak, if it is proved there or if we made the person ourselves."""
    for person in directory.people_with_email(user.email):
        if not person.is_enabled:
            raise StepFailed(DISABLED)
        if not person.is_email_verified and person.made_for != _mark(user):
            raise StepFailed(UNPROVED)
        return person
    return None


def _made(directory: KeycloakDirectory, user: User) -> Person:
    try:
        return directory.create_person(email=user.email, name=user.name, made_for=_mark(user))
    except PersonExists as error:  # a twin of this step was faster
        raise StepWaits("Somebody with this e-mail address was just made in Keycloak; looking again.") from error


def _invite(directory: KeycloakDirectory, identity: Identity) -> None:
    person = directory.person(identity.subject)
    if person is None or person.is_email_verified:
        return
    directory.send_actions_mail(
        identity.subject,
        [VERIFY_EMAIL, UPDATE_PASSWORD],
        client_id=settings.KEYCLOAK_CLIENT_ID,
        return_to=f"{settings.PUBLIC_URL}/account/login/",
    )


def _mark(user: User) -> str:
    """By which a person whom this portal made is known again; nobody else can write it."""
    return salted_hmac("provisioning.people", str(user.pk), algorithm="sha256").hexdigest()


def _provision(project_pk: int) -> Provision:
    return Provision.objects.select_related("project").get(project_id=project_pk)


def _owner(provision: Provision) -> User:
    fields = {"name": provision.name, "affiliation": provision.affiliation, "position": provision.position}
    return ensure_account(email=provision.email, **fields)
