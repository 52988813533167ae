from contextlib import AbstractContextManager

from apps.core.lanes import Bell, lane


def lane_of(cluster_pk: int, *, or_ring: Bell) -> AbstractContextManager[bool]:
    """The `lane` of all that asks a cluster, whatever for."""
    return lane(f"cluster.{cluster_pk}", or_ring=or_ring)
