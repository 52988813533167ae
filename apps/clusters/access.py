from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from apps.accounts.access import require_administrator
from apps.accounts.models import User
from apps.clusters.models import Cluster


def visible_clusters(_user: User) -> QuerySet[Cluster]:
    """Every cluster, for everybody who is signed in: pages show others than administrators no address."""
    return Cluster.objects.all()


def get_cluster(user: User, name: str) -> Cluster:
    return get_object_or_404(visible_clusters(user).select_related("snapshot", "check_of_permissions"), name=name)


def to_change(user: User, name: str) -> Cluster:
    """Raises Http404 for all but administrators, as if there were no such page."""
    require_administrator(user)
    return get_object_or_404(Cluster, name=name)
