"""Owners who can act: neither deactivated here nor disabled in Keycloak. A project is not to be without one."""

from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.models import Identity, User
from apps.projects.models import Membership, Project


def acting_owners() -> QuerySet[Membership]:
    """Of all projects."""
    disabled = Identity.objects.filter(user=OuterRef("user"), is_enabled=False)
    return Membership.objects.filter(~Exists(disabled), role=Membership.Role.OWNER, user__is_active=True)


def is_last(membership: Membership) -> bool:
    """Whether the project has no other owner who can act; asked of an owner, with the project locked."""
    return not acting_owners().filter(project=membership.project_id).exclude(pk=membership.pk).exists()


def can_act(membership: Membership) -> bool:
    return acting_owners().filter(pk=membership.pk).exists()


def people_of(project: Project) -> QuerySet[User]:
    """The owners of this project who can act."""
    return User.objects.filter(memberships__in=acting_owners().filter(project=project)).order_by("pk")


def without() -> QuerySet[Project]:
    """The projects that are set up and have no owner who can act."""
    return Project.objects.filter(~Exists(acting_owners().filter(project=OuterRef("pk"))), status__in=Project.SET_UP)
