"""When a cluster is asked about its runs: seldom where nothing is expected, ever more seldom while it keeps silent.

A cluster that does not answer in time holds a thread of the worker meanwhile. So once it has not, nobody asks it before
its time, and then only one at a time, until it answers.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.integrations.kubernetes.port import ClusterSilent
from apps.jobs.models import ClusterLook

ANSWER_SECONDS = 10.0
"""How long an answer of a cluster is awaited, whole."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(seconds=40)


def due(cluster_pks: Iterable[int]) -> list[int]:
    """Those of the clusters whose time has come, in order."""
    if not (pks := sorted(cluster_pks)):
        return []
    later = ClusterLook.objects.filter(cluster__in=pks, due_at__gt=timezone.now())
    waiting = set(later.values_list("cluster_id", flat=True))
    return [pk for pk in pks if pk not in waiting]


def look_again(cluster_pk: int, *, seconds: float) -> None:
    """The next look is in so many seconds."""
    due_at = timezone.now() + timedelta(seconds=seconds)
    ClusterLook.objects.update_or_create(cluster_id=cluster_pk, defaults={"due_at": due_at})


@contextmanager
def asking(cluster_pk: int) -> Iterator[None]:
    """Around whatever asks the cluster. Raises ClusterSilent at once for a cluster that is to be left alone."""
    look, _ = ClusterLook.objects.get_or_create(cluster_id=cluster_pk)
    if look.silences and not _is_ones_turn(look):
        raise ClusterSilent("The cluster did not answer in time, a moment ago.")
    try:
        yield
    except ClusterSilent:
        pause = min(FIRST_PAUSE * 2.0 ** min(look.silences, 10), LONGEST_PAUSE)
        _of(look).update(silences=look.silences + 1, due_at=timezone.now() + pause)
        raise
    if look.silences:
        _of(look).update(silences=0, due_at=timezone.now())


def _is_ones_turn(look: ClusterLook) -> bool:
    now = timezone.now()
    taken = now + timedelta(seconds=2 * ANSWER_SECONDS)
    return bool(_of(look).filter(due_at__lte=now).update(due_at=taken))


def _of(look: ClusterLook) -> QuerySet[ClusterLook]:
    return ClusterLook.objects.filter(pk=look.pk)
