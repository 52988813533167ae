"""The steps that make a project's things on its cluster. Each may run twice; what time mends is waited for."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from apps.clusters.models import secrets_by
from apps.clusters.services import NoCluster, place
from apps.core.ledger import Action, StepFailed, StepWaits
from apps.core.sealed import SecretUnreadable
from apps.integrations.kubernetes.port import ApiRefused, ClusterUnreachable, Forbidden
from apps.projects.models import Project
from apps.workspaces.applying import NamespaceEnding, NamespaceTaken
from apps.workspaces.ports import NoPortLeft
from apps.workspaces.services import NotYet, check_orthanc, connect_archive, enter_namespace, make_part


def choose_cluster(project_pk: int) -> None:
    try:
        place(placed_project(project_pk))
    except NoCluster as error:
        raise StepWaits(f"{error} It is tried again by itself.") from error


def make_namespace(project: Project) -> None:
    make_part(project, "namespace")
    enter_namespace(project)


def make_orthanc(project: Project) -> None:
    make_part(project, "orthanc")
    check_orthanc(project)


def make_archive(project: Project) -> None:
    connect_archive(project)


def _making(part: str) -> Callable[[Project], None]:
    return lambda project: make_part(project, part)


def _on_cluster(make: Callable[[Project], None]) -> Action:
    def act(project_pk: int) -> None:
        project = placed_project(project_pk)
        with plain_words(project.placement.cluster.name):
            make(project)

    return act


@contextmanager
def plain_words(cluster: str) -> Iterator[None]:
    """What the cluster answers, as the person who waits reads it."""
    try:
        yield
    except SecretUnreadable as error:
        sentence = f"The credentials of the cluster {cluster} cannot be opened: an administrator has to look."
        raise StepWaits(sentence) from error
    except ClusterUnreachable as error:
        raise StepWaits(f"The cluster {cluster} cannot be reached; it is tried again by itself.") from error
    except (NotYet, NamespaceEnding) as error:
        raise StepWaits(str(error)) from error
    except (NamespaceTaken, NoPortLeft) as error:
        raise StepFailed(str(error)) from error
    except Forbidden as error:
        raise StepFailed(f"The cluster {cluster} does not allow it: an administrator has to look.") from error
    except ApiRefused as error:
        reason = error.reason or error.status
        raise StepFailed(f"The cluster {cluster} refused it ({reason}): an administrator has to look.") from error


def placed_project(project_pk: int) -> Project:
    """With its cluster, without that one's secrets, and what it was granted."""
    found = Project.objects.select_related("placement__cluster", "allocation")
    return found.defer(*secrets_by("placement__cluster")).get(pk=project_pk)


ACTIONS: Mapping[str, Action] = {
    "cluster": choose_cluster,
    "namespace": _on_cluster(make_namespace),
    **{part: _on_cluster(_making(part)) for part in ("limits", "network", "roles")},
    "orthanc": _on_cluster(make_orthanc),
    "images": _on_cluster(make_archive),
    "workspaces": _on_cluster(_making("workspaces")),
}
