"""How each of a project's things is made. Every step may run twice."""

from collections.abc import Mapping

from apps.archives.services import ensure_archive
from apps.core.ledger import Action
from apps.projects.models import Project
from apps.projects.services import mark_ready
from apps.provisioning import cluster, people


def make_archive(project_pk: int) -> None:
    ensure_archive(Project.objects.get(pk=project_pk))


def open_project(project_pk: int) -> None:
    mark_ready(Project.objects.get(pk=project_pk))


ACTIONS: Mapping[str, Action] = {
    **people.ACTIONS,
    **cluster.ACTIONS,
    "archive": make_archive,
    "ready": open_project,
}
