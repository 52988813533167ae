"""NodePorts out of a cluster's range: each given out once, and given back with what had it."""

import secrets

from django.db import IntegrityError, transaction

from apps.clusters.models import Cluster
from apps.projects.models import Project
from apps.workspaces.models import NodePort, Workspace

ATTEMPTS = 10


class NoPortLeft(Exception):
    """The cluster's range of ports is used up."""

    def __init__(self) -> None:
        super().__init__("The cluster's range of SSH ports is used up: an administrator has to widen it.")


def ensure_port(cluster: Cluster, owner: Workspace | Project) -> NodePort:
    """The owner's port, made if there is none. Raises NoPortLeft."""
    owned = {"workspace": owner} if isinstance(owner, Workspace) else {"dicom_of": owner}
    for _ in range(ATTEMPTS):
        port = NodePort.objects.filter(cluster=cluster, **owned).first()
        if port is not None:
            return port
        try:
            with transaction.atomic():
                return NodePort.objects.create(cluster=cluster, number=_free_number(cluster), **owned)
        except IntegrityError:  # somebody else was given it, or gave it to the same owner, at the same time
            continue
    raise NoPortLeft


def give_up(cluster: Cluster, number: int) -> None:
    """The port turned out to be somebody else's on the cluster: it stays taken, and its owner needs another."""
    NodePort.objects.filter(cluster=cluster, number=number).update(workspace=None, dicom_of=None)


def _free_number(cluster: Cluster) -> int:
    taken = set(NodePort.objects.filter(cluster=cluster).values_list("number", flat=True))
    free = [number for number in range(cluster.ssh_port_first, cluster.ssh_port_last + 1) if number not in taken]
    if not free:
        raise NoPortLeft
    # Any of them: the lowest are those that other Services of the cluster are likely to have.
    return secrets.choice(free)
