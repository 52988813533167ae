"""What follows when a project's life takes a turn: its runs end, and what it has on a cluster, in the archive and in
Keycloak comes to the new state, step by step. Each step may run twice.
"""

from collections.abc import Callable, Mapping

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.archives.services import destroy_archives
from apps.core.doorbell import ring
from apps.core.leases import lease
from apps.core.ledger import Action, StepWaits
from apps.integrations.keycloak.port import KeycloakDirectory
from apps.projects import groups
from apps.projects.lifecycle import finish_deletion
from apps.projects.models import Project, ProjectChange
from apps.provisioning.cluster import placed_project, plain_words
from apps.provisioning.following import Following
from apps.provisioning.people import with_keycloak
from apps.provisioning.plan import LIFE, steps_of_turn
from apps.workspaces import resting


def advance(change: ProjectChange) -> bool:
    """Does the steps that can be done now. True when nothing is left to do; what a later turn has overtaken is left.

    One worker a project: what an earlier turn still does ends before a later one begins.
    """
    with lease(f"provisioning.life.{change.project_id}") as held:
        return bool(held) and FOLLOWING.advance(change, ACTIONS)


def retry(change: ProjectChange, *, by: User) -> bool:
    """Lets failed steps run again. True when there was one."""
    return FOLLOWING.retry(change, "project.retried", by=by)


def sweep() -> None:
    for change in FOLLOWING.undone():
        advance(change)


def change_by_pk(pk: int) -> ProjectChange:
    return _changes().get(pk=pk)


def await_runs(change_pk: int) -> None:
    """The room of the runs ends them and says so in the row."""
    if change_by_pk(change_pk).runs_ended_at is None:
        ring("jobs.follow_project", change_pk)
        raise StepWaits("Runs of the project are being ended.")


def remove_images(change_pk: int) -> None:
    destroy_archives(change_by_pk(change_pk).project)


def remove_groups(change_pk: int) -> None:
    namespace = change_by_pk(change_pk).project.namespace

    def remove(directory: KeycloakDirectory) -> None:
        for group in groups.groups_of(namespace).values():
            directory.remove_group(group)

    with_keycloak(remove)


def close(change_pk: int) -> None:
    project = change_by_pk(change_pk).project
    with transaction.atomic():
        resting.forget(project)
        finish_deletion(project)


def _on_cluster(bring: Callable[[Project], None]) -> Action:
    def act(change_pk: int) -> None:
        project = placed_project(change_by_pk(change_pk).project_id)
        with plain_words(project.placement.cluster.name):
            bring(project)

    return act


def _changes() -> QuerySet[ProjectChange]:
    return ProjectChange.objects.select_related("project")


FOLLOWING = Following(LIFE, _changes, steps_of_turn, "provisioning.follow_project")
ACTIONS: Mapping[str, Action] = {
    "runs": await_runs,
    "sleep": _on_cluster(resting.sleep),
    "wake": _on_cluster(resting.wake),
    "retire": _on_cluster(resting.retire),
    "limits": _on_cluster(resting.follow_grant),
    "volume": _on_cluster(resting.grow_volume),
    "workspaces": _on_cluster(resting.remove_workspaces),
    "orthanc": _on_cluster(resting.remove_orthanc),
    "namespace": _on_cluster(resting.remove_namespace),
    "images": remove_images,
    "groups": remove_groups,
    "end": close,
}
