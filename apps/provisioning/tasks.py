from celery import shared_task

from apps.core.doorbell import ring
from apps.core.leases import under_lease
from apps.projects.models import Project
from apps.provisioning import group_sync, lifecycle, members, services


@shared_task(name="provisioning.advance")
def advance(project_pk: int) -> None:
    services.advance(Project.objects.get(pk=project_pk))


@shared_task(name="provisioning.advance_member")
def advance_member(change_pk: int) -> None:
    members.advance(members.change_by_pk(change_pk))


@shared_task(name="provisioning.sweep_members")
@under_lease("provisioning.sweep_members")
def sweep_members() -> None:
    members.sweep()


@shared_task(name="provisioning.follow_project")
def follow_project(change_pk: int) -> None:
    lifecycle.advance(lifecycle.change_by_pk(change_pk))


@shared_task(name="provisioning.sweep_projects")
@under_lease("provisioning.sweep_projects")
def sweep_projects() -> None:
    lifecycle.sweep()


@shared_task(name="provisioning.sweep")
@under_lease("provisioning.sweep")
def sweep() -> None:
    services.sweep()


@shared_task(name="provisioning.sweep_people")
@under_lease("provisioning.sweep_people")
def sweep_people() -> None:
    group_sync.sweep()


@shared_task(name="provisioning.watch")
def watch() -> None:
    for project_pk in services.waiting():
        ring("provisioning.advance", project_pk)
    for change_pk in members.FOLLOWING.waiting():
        ring("provisioning.advance_member", change_pk)
    for change_pk in lifecycle.FOLLOWING.waiting():
        ring("provisioning.follow_project", change_pk)
