"""Who somebody from Keycloak is here, and what the groups there make of the person. Every write to `Identity`."""

from collections.abc import Collection
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Identity, User
from apps.accounts.services import end_sessions, withdraw_credentials
from apps.audit.services import changed, record
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.sign_in import Claims, SignInRefused

ADMINISTRATORS = "MAIA:admin"
EVERYBODY = "MAIA:users"
UNVERIFIED = (
    "Keycloak has not verified your e-mail address yet: open the link in its mail, or ask an administrator for another."
)
UNKNOWN = (
    "You have no account in this portal yet. Accounts come with projects: register one, with the e-mail address that "
    "you have in Keycloak."
)
ADDRESS_TAKEN = (
    "An account of this portal has your e-mail address already, and it is not connected with the person that you are "
    "in Keycloak: ask an administrator to connect the two."
)
DISABLED = "You are disabled in Keycloak: ask an administrator."
DEACTIVATED = "Your account in this portal is deactivated: ask an administrator."


class IdentityTaken(Exception):
    """The person has another identity, or the identity is another person's."""


def identity_of(user: User) -> Identity | None:
    """Who the person is in the realm that the settings name."""
    return Identity.objects.filter(user=user, issuer=realm.issuer()).first()


def signed_in(claims: Claims) -> User:
    """The person whom a believed ID token names, with what its groups say written down. Raises SignInRefused.

    Found by issuer and subject alone. Who is not known so gets an account only as a member of `MAIA:admin` or
    `MAIA:users`, which the realm's administrators give, and only while nobody here has the e-mail address.
    """
    if not claims.is_email_verified or not claims.email:
        raise SignInRefused(UNVERIFIED)
    known = Identity.objects.select_related("user").filter(issuer=claims.issuer, subject=claims.subject).first()
    if known is not None and not known.user.is_active:
        raise SignInRefused(DEACTIVATED)
    with transaction.atomic():
        identity = known or _newcomer(claims)
        Identity.objects.filter(pk=identity.pk).update(signed_in_at=timezone.now())
        note_reading(identity, claims.groups, is_enabled=True, read_at=claims.read_at)
    if not Identity.objects.filter(pk=identity.pk, is_enabled=True).exists():
        raise SignInRefused(DISABLED)  # by a word of Keycloak that is newer than the token
    return User.objects.get(pk=identity.user_id)


def connect(user: User, *, issuer: str, subject: str) -> Identity:
    """Writes down who the person is at Keycloak. Twice is once. Raises IdentityTaken.

    The caller has proved that both have the same verified e-mail address.
    """
    try:
        with transaction.atomic():
            for former in Identity.objects.filter(user=user).exclude(issuer=issuer):
                forget(former)
            identity, is_new = Identity.objects.get_or_create(user=user, issuer=issuer, subject=subject)
            if is_new:
                record("identity.connected", actor=None, subject=identity, user=user.pk)
    except IntegrityError as error:
        raise IdentityTaken from error
    return identity


def forget(identity: Identity, *, is_gone: bool = False) -> None:
    """Keycloak has this person no more (`is_gone`), or is at another address.

    The account stays, without what a group gave it. Who comes with the address of a person who is gone may be somebody
    else: what the former has kept opens nothing any more.
    """
    with transaction.atomic():
        if is_gone:
            withdraw_credentials(identity.user)
        _follow_administrators(identity, is_one=False)
        record("identity.forgotten", actor=None, subject=identity, user=identity.user_id)
        identity.delete()


def note_reading(identity: Identity, groups: Collection[str], *, is_enabled: bool, read_at: datetime) -> None:
    """What Keycloak said at `read_at`; an older word than the one known is left.

    Makes administrators, and no longer, by `MAIA:admin`; ends all sessions of who is disabled there.
    """
    with transaction.atomic():
        latest = Identity.objects.select_for_update().get(pk=identity.pk)
        if latest.read_at is not None and latest.read_at > read_at:
            return
        if latest.is_enabled and not is_enabled:
            end_sessions(latest.user)
            record("identity.disabled", actor=None, subject=latest, user=latest.user_id)
        _follow_administrators(latest, is_one=ADMINISTRATORS in groups)
        latest.is_enabled, latest.groups, latest.read_at = is_enabled, sorted(groups), read_at
        latest.save()


def invited(identity: Identity) -> None:
    """Keycloak has taken the wish for its mail."""
    Identity.objects.filter(pk=identity.pk).update(invited_at=timezone.now())


def may_break_glass(user: User) -> bool:
    """Whether the person may sign in here without Keycloak: an administrator by the portal's own word."""
    hidden = Identity.objects.filter(user=user, is_group_administrator=True).exclude(
        own_role=User.PlatformRole.ADMINISTRATOR
    )
    return user.is_administrator and not hidden.exists()


def _newcomer(claims: Claims) -> Identity:
    if not claims.groups & {ADMINISTRATORS, EVERYBODY}:
        raise SignInRefused(UNKNOWN)
    try:
        with transaction.atomic():
            user = User.objects.create(email=claims.email, name=claims.name[:200], password=make_password(None))
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            record("account.created", actor=None, subject=user)
    except IntegrityError as error:
        raise SignInRefused(ADDRESS_TAKEN) from error
    return connect(user, issuer=claims.issuer, subject=claims.subject)


def _follow_administrators(identity: Identity, *, is_one: bool) -> None:
    """The role that the portal gave comes back when the group is left."""
    if is_one == identity.is_group_administrator:
        return
    user = identity.user
    if is_one:
        identity.own_role, role = user.platform_role, str(User.PlatformRole.ADMINISTRATOR)
    else:
        identity.own_role, role = "", identity.own_role
    identity.is_group_administrator = is_one
    User.objects.filter(pk=user.pk).update(platform_role=role)
    record("account.platform_role", actor=None, subject=user, role=changed(user.platform_role, role), by_group=is_one)
