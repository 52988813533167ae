"""Whether what a project has on its cluster runs as it should, and since when it does not."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from apps.archives.models import Archive
from apps.archives.selectors import outage_of
from apps.projects.lifecycle import degrade, recover
from apps.projects.models import Project
from apps.workspaces.models import App, NamespaceSeen, State, Workspace

PATIENCE = timedelta(minutes=5)
"""What starts anew or is repaired by the next sweep makes no project degraded."""


def judge(projects: Iterable[Project]) -> None:
    """A project of which something is broken for longer than a moment is degraded, and ready once nothing is."""
    for project in projects:
        _judge(project, _trouble_of(project) if project.takes_work else "")


def _judge(project: Project, trouble: str) -> None:
    seen = NamespaceSeen.objects.filter(project=project)
    if not trouble:
        seen.exclude(broken_since=None).update(broken_since=None)
        recover(project)
        return
    now = timezone.now()
    seen.filter(broken_since=None).update(broken_since=now)
    if seen.filter(broken_since__lte=now - PATIENCE).exists():
        degrade(project, why=trouble)


def _trouble_of(project: Project) -> str:
    """The first thing that is broken, as a sentence; "" when nothing is."""
    trouble = NamespaceSeen.objects.filter(project=project).values_list("trouble", flat=True).first()
    if trouble:
        return trouble
    orthanc = App.objects.filter(project=project, name="orthanc").first()
    if orthanc is not None and orthanc.state != State.RUNNING:
        return f"Orthanc does not run. {orthanc.sentence}".strip()
    archive = Archive.objects.filter(project=project, is_default=True).first()
    if archive is not None and outage_of(archive):
        return "The archive does not answer."
    workspace = Workspace.objects.filter(project=project, removed_at=None, state=State.FAILED).first()
    return f"A workspace fails. {workspace.sentence}".strip() if workspace else ""
