from apps.accounts.models import User
from apps.projects.models import Membership


def row_of(user: User) -> Membership:
    """The only membership of this person."""
    return Membership.objects.select_related("project", "user").get(user=user)
