"""What an administrator does with somebody else's account. Nobody changes their own, so one administrator stays."""

from django.db import transaction

from apps.accounts import lockout, second_factor
from apps.accounts.models import User
from apps.accounts.selectors import is_administrator_by_group
from apps.accounts.services import end_sessions
from apps.audit.services import changed, record
from apps.core import mail


class ChangeRefused(Exception):
    """The sentence is for the administrator."""


class OwnAccount(ChangeRefused):
    def __init__(self) -> None:
        super().__init__("This is your own account: another administrator has to change it.")


class NoAdministrator(ChangeRefused):
    def __init__(self) -> None:
        super().__init__("You are no administrator any more: somebody changed that just now.")


class RoleByGroup(ChangeRefused):
    def __init__(self) -> None:
        super().__init__("A group in Keycloak makes this person an administrator: change it there.")


def give_role(user: User, role: User.PlatformRole, *, by: User) -> bool:
    """Gives a platform role, or takes it. Whether there was anything to change. Raises ChangeRefused."""
    with transaction.atomic():
        user = _to_change(user, by)
        if is_administrator_by_group(user):
            raise RoleByGroup
        if user.platform_role == role:
            return False
        record("account.platform_role", actor=by.pk, subject=user, role=changed(user.platform_role, role))
        User.objects.filter(pk=user.pk).update(platform_role=role)
        _tell(user, "Your role on the platform has changed", "role", role=role.label if role else "")
    return True


def deactivate(user: User, *, by: User) -> bool:
    """Ends what the person may do here at once; nothing is deleted. False when it was so. Raises ChangeRefused."""
    with transaction.atomic():
        user = _to_change(user, by)
        if not user.is_active:
            return False
        User.objects.filter(pk=user.pk).update(is_active=False)
        end_sessions(user)
        record("account.deactivated", actor=by.pk, subject=user)
        _tell(user, "Your account is deactivated", "deactivated")
    return True


def activate(user: User, *, by: User) -> bool:
    """Lets the person in again, with all that the account had. False when it was so. Raises ChangeRefused."""
    with transaction.atomic():
        user = _to_change(user, by)
        if user.is_active:
            return False
        User.objects.filter(pk=user.pk).update(is_active=True)
        record("account.activated", actor=by.pk, subject=user)
        _tell(user, "Your account is active again", "activated")
    return True


def sign_out_everywhere(user: User, *, by: User) -> None:
    """Ends all sessions of a person in this portal, one's own too; somebody else is told by mail."""
    with transaction.atomic():
        end_sessions(user)
        record("account.signed_out_everywhere", actor=by.pk, subject=user)
        if user.pk != by.pk:
            _tell(user, "You were signed out everywhere", "signed_out")


def unlock(user: User, *, by: User) -> bool:
    """Lets the person in again from everywhere. Whether there was a lock."""
    with transaction.atomic():
        if not lockout.unlock(user, by=by):
            return False
        _tell(user, "Your password is taken again", "unlocked")
    return True


def remove_second_factor(user: User, *, by: User) -> bool:
    """For who lost it. Whether there was one. Raises ChangeRefused: with the own one it is done by a code of it."""
    with transaction.atomic():
        user = _to_change(user, by)
        if not second_factor.remove(user, by=by):
            return False
        _tell(user, "Your second factor was removed", "second_factor")
    return True


def _to_change(user: User, by: User) -> User:
    """The person as the row is now, which nobody else changes until the transaction ends.

    The rows of all administrators are locked with it, in one order: of two who take the role from each other at once,
    the second is none any more.
    """
    administrators = User.objects.filter(platform_role=User.PlatformRole.ADMINISTRATOR)
    rows = (administrators | User.objects.filter(pk=user.pk)).order_by("pk").select_for_update(no_key=True)
    locked = {row.pk: row for row in rows}
    acting = locked.get(by.pk)
    if user.pk == by.pk:
        raise OwnAccount
    if acting is None or not acting.is_administrator or not acting.is_active:
        raise NoAdministrator
    return locked[user.pk]


def _tell(user: User, subject: str, template: str, **said: object) -> None:
    mail.post(to=user.email, subject=subject, template=f"accounts/mail/{template}.txt", context={"user": user, **said})
