from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core.lists import holding


def matching(people: QuerySet[User], *, words: str, role: str, state: str) -> QuerySet[User]:
    """People that hold each word in name, address or affiliation, with a platform role and a state ("" for any)."""
    people = holding(people, words.split(), "name", "email", "affiliation")
    if role:
        people = people.filter(platform_role=role)
    return people.filter(is_active=state == "active") if state else people


def approvers() -> QuerySet[User]:
    """Everybody who may approve now, as `User.may_approve` says of one."""
    roles = (User.PlatformRole.APPROVER, User.PlatformRole.ADMINISTRATOR)
    return User.objects.filter(platform_role__in=roles, is_active=True).order_by("pk")


def administrators() -> QuerySet[User]:
    """Everybody who keeps the platform now, as `User.is_administrator` says of one."""
    return User.objects.filter(platform_role=User.PlatformRole.ADMINISTRATOR, is_active=True).order_by("pk")


def is_administrator_by_group(user: User) -> bool:
    """Whether a group in Keycloak makes the person an administrator, whatever the portal says."""
    return user.identities.filter(is_group_administrator=True).exists()


def authorized_keys(user: User) -> list[str]:
    """The lines of the person's authorized_keys file (sshd(8)), without comments, in a steady order."""
    return list(user.ssh_keys.order_by("pk").values_list("public_key", flat=True))
