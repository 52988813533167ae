"""What tests have the deployed portal's own services do, in a process with its settings and no other."""

import json
from collections.abc import Callable

from apps.accounts.models import User
from apps.projects import lifecycle, members, services
from apps.projects.models import Membership, Project
from apps.projects.services import Resources
from apps.provisioning.services import Requester, open_for
from tests.plans import project_plan
from tests.portal import Portal


def in_portal(portal: Portal, work: Callable[..., None], *words: str) -> None:
    """Does one of the functions below as `manage.py shell` would."""
    arguments = ", ".join(json.dumps(word) for word in words)
    portal.manage("shell", "--no-imports", "-c", f"from {__name__} import *\n{work.__name__}({arguments})")


def open_project(namespace: str, email: str, name: str = "Ida Berg") -> None:
    """As an approval does it."""
    some = Resources(cpus=8, memory_gib=16, gpus=1, storage_gib=20)
    project = services.create_project(project_plan(namespace, granted=some), by=None)
    open_for(project, Requester(email=email, name=name, affiliation="Uppsala University"))


def add_member(namespace: str, email: str) -> None:
    project, user = Project.objects.get(namespace=namespace), User.objects.get(email=email)
    services.ensure_member(project, user, role=Membership.Role.MEMBER)


def remove_member(namespace: str, email: str, by: str) -> None:
    users = User.objects.in_bulk([email, by], field_name="email")
    members.remove_member(Project.objects.get(namespace=namespace), users[email], by=users[by])


def delete_projects(by: str, *namespaces: str) -> None:
    """Those that are not deleted yet, at once; what they have on the cluster goes soon after."""
    user, deletable = User.objects.get(email=by), lifecycle.FROM[lifecycle.Action.SCHEDULE_DELETION]
    for project in Project.objects.filter(namespace__in=namespaces, status__in=deletable):
        lifecycle.schedule_deletion(project, typed=project.namespace, by=user)
        lifecycle.begin_deletion(project)
