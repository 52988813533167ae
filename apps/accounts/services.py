import secrets
from collections.abc import Collection
from datetime import timedelta

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from apps.accounts import lockout
from apps.accounts.models import ApiToken, SshKey, User
from apps.accounts.public_keys import PublicKey
from apps.audit import origin
from apps.audit.services import changed, record
from apps.core import mail
from apps.core.digests import digest_of
from apps.core.prepared import Prepared

TOKEN_PREFIX = "maia_"  # noqa: S105 - makes leaked tokens findable, is none itself
LONGEST_TOKEN_DAYS = 365


class KeyKnown(Exception):
    """The person has this SSH key already."""

    def __init__(self) -> None:
        super().__init__("You have added this key already.")


class NameFromKeycloak(Exception):
    def __init__(self) -> None:
        super().__init__("Your name is kept in Keycloak: change it there.")


def ensure_account(*, email: str, name: str, affiliation: str, position: str = "") -> User:
    """The person with this proved e-mail address, made if there is none. Twice is once.

    An account that exists is returned as it is: a registration neither renames nor re-activates it.
    """
    with transaction.atomic():
        user, is_new = User.objects.get_or_create(
            email=email.lower(),
            defaults={"name": name, "affiliation": affiliation, "position": position, "password": make_password(None)},
        )
        if is_new:
            record("account.created", actor=None, subject=user)
        EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user


def ensure_first_administrator(*, email: str) -> tuple[User, str] | None:
    """Makes the first administrator and a one-time password; None when there is an administrator already."""
    with transaction.atomic():
        if User.objects.filter(platform_role=User.PlatformRole.ADMINISTRATOR).exists():
            return None
        user = ensure_account(email=email, name="Administrator", affiliation="")
        password = secrets.token_urlsafe(12)
        user.platform_role = User.PlatformRole.ADMINISTRATOR
        user.has_one_time_password = True
        user.set_password(password)
        user.save()
        record("account.first_administrator", actor=None, subject=user)
    return user, password


def change_profile(user: User, **fields: str) -> None:
    """Writes what of `name`, `affiliation` and `position` is given.

    Raises NameFromKeycloak for another name of somebody whom Keycloak names.
    """
    with transaction.atomic():
        latest = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        before = {name: getattr(latest, name) for name, value in fields.items() if getattr(latest, name) != value}
        if not before:
            return
        if "name" in before and is_named_by_keycloak(latest):
            raise NameFromKeycloak
        User.objects.filter(pk=user.pk).update(**{name: fields[name] for name in before})
        told = {name: changed(value, fields[name]) for name, value in before.items()}
        record("account.profile_changed", actor=user.pk, subject=user, profile=told)


def is_named_by_keycloak(user: User) -> bool:
    return bool(settings.AUTH_MODE == "keycloak" and user.identities.exists())


def password_link(user: User) -> str:
    """An address where the person sets a password; valid until used or PASSWORD_RESET_TIMEOUT has passed."""
    return password_address(user_pk_to_url_str(user), default_token_generator.make_token(user))


def password_address(uidb36: str, key: str) -> str:
    """Where a password is set, by the person's number in base 36 and a key of default_token_generator."""
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": key})
    return settings.PUBLIC_URL + path


def password_was_set(user: User) -> None:
    """The person has chosen a password of their own."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk, has_one_time_password=True).update(has_one_time_password=False)
        lockout.forget_attempts(user)
        record("account.password_set", actor=user.pk, subject=user)


def end_sessions(user: User) -> None:
    """Ends all sessions of the person in this portal."""
    User.objects.filter(pk=user.pk).update(times_signed_out=F("times_signed_out") + 1)


def withdraw_credentials(user: User) -> None:
    """Ends all by which the person gets in without a new sign-in: sessions, API tokens, SSH keys."""
    with transaction.atomic():
        end_sessions(user)
        for token in ApiToken.objects.filter(user=user):
            record("token.revoked", actor=None, subject=token)
            token.delete()
        for key in SshKey.objects.filter(user=user):
            record("ssh_key.removed", actor=None, subject=key, fingerprint=key.fingerprint)
            key.delete()


def make_token(
    user: User, *, name: str, days: int, scopes: Collection[str] = ApiToken.Scope.values, by: User | None = None
) -> tuple[ApiToken, str]:
    """A new API token, for `days` (1 to LONGEST_TOKEN_DAYS), and its secret, which is kept nowhere.

    The person gets a mail, since somebody else may have made it; not of what a command makes (`by` is None then).
    """
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            digest=digest_of(secret),
            expires_at=timezone.now() + timedelta(days=days),
            scopes=[scope for scope in ApiToken.Scope.values if scope in scopes],
        )
        record("token.made", actor=by.pk if by else None, subject=token, scopes=token.scopes)
        if by:
            _tell(user, "An API token was added to your account", "token", token=token)
    return token, secret


def revoke_token(token: ApiToken, *, by: User) -> None:
    with transaction.atomic():
        record("token.revoked", actor=by.pk, subject=token)
        token.delete()


def add_ssh_key(user: User, key: PublicKey, *, name: str) -> SshKey:
    """The person gets a mail. Raises KeyKnown when there is this key already."""
    name = (name or key.comment or key.key_type)[:100]
    try:
        with transaction.atomic():
            added = SshKey.objects.create(
                user=user, name=name, key_type=key.key_type, public_key=key.line, fingerprint=key.fingerprint
            )
            record("ssh_key.added", actor=user.pk, subject=added, fingerprint=key.fingerprint)
            _tell(user, "An SSH key was added to your account", "ssh_key", key=added)
    except IntegrityError as error:
        raise KeyKnown from error
    return added


def remove_ssh_key(key: SshKey, *, by: User) -> None:
    with transaction.atomic():
        record("ssh_key.removed", actor=by.pk, subject=key, fingerprint=key.fingerprint)
        key.delete()


def use_token(secret: str) -> ApiToken | None:
    """The token of an active person that this secret opens now, or None; Keycloak may have disabled the person."""
    token = _TOKEN.first(digest_of(secret))
    if token is None or token.is_expired or not token.user.is_active:
        return None
    _note_use(token)
    return token


_TOKEN = Prepared(
    lambda digest: (
        ApiToken.objects.select_related("user").exclude(user__identities__is_enabled=False).filter(digest=digest)
    ),
    str,
)


def _tell(user: User, subject: str, template: str, **said: object) -> None:
    """Also from which address of the network it was done, as far as that is known."""
    context = {"user": user, "address": origin.address(), **said}
    mail.post(to=user.email, subject=subject, template=f"accounts/mail/{template}.txt", context=context)


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    # A write for each request would make every read a writer.
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
