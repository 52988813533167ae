from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from apps.core.lanes import Bell, lane
from apps.core.leases import Held, lease


def lane_of(cluster_pk: int, *, or_ring: Bell) -> AbstractContextManager[bool]:
    """The `lane` of all that asks a cluster, whatever for."""
    return lane(f"cluster.{cluster_pk}", or_ring=or_ring)


@contextmanager
def alone(task: str, cluster_pk: int) -> Iterator[Held | None]:
    """The lease of a task that is done once at a time for a cluster; None when it is done already or has no lane."""
    with lane_of(cluster_pk, or_ring=(task, cluster_pk)) as is_free:
        if not is_free:
            yield None
            return
        with lease(f"{task}.{cluster_pk}") as held:
            yield held
