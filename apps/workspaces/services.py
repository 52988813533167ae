"""Makes a project's things on its cluster, step by step, and keeps the rows of workspaces as the memberships are.

Everything here may run twice, at once with its twin, or after a kill. What asks the cluster raises ClusterUnreachable
and ApiRefused.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import devices as devices_of_archives
from apps.archives.devices import Device, ensure_application_entity
from apps.archives.models import Archive, DicomDevice
from apps.archives.services import ensure_remote_archive
from apps.audit.services import record
from apps.clusters.models import Cluster, Placement, secrets_by
from apps.clusters.services import connect, route_to
from apps.core.doorbell import ring
from apps.integrations.kubernetes.ours import NAME_LABEL, selector_of
from apps.integrations.kubernetes.port import (
    DEPLOYMENT,
    POD,
    RESOURCE_QUOTA,
    SERVICE,
    STATEFUL_SET,
    Forbidden,
    KubernetesApi,
    Manifest,
)
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Membership, Project
from apps.workspaces.applying import PortTaken, apply_all
from apps.workspaces.manifests import QUOTA
from apps.workspaces.manifests.network import DOOR_PORT, HTTP_PORT
from apps.workspaces.models import Applied, NodePort, OrthancAccess, State, Workspace
from apps.workspaces.ports import ensure_port, give_up
from apps.workspaces.wishes import PARTS, live_workspaces
from apps.workspaces.words import standing_of

PORTAL_USER = "portal"
PORT_ATTEMPTS = 5
# A cluster that hangs costs a worker this long; what waits for it is looked at ever less often.
ANSWER_SECONDS = 10.0
WORKING_ROLES = (Membership.Role.OWNER, Membership.Role.MEMBER)


class NotYet(Exception):
    """It is on its way; the sentence says what it waits for."""


def api_of(project: Project) -> KubernetesApi:
    """The API of the project's cluster."""
    return connect(project.placement.cluster, answer_seconds=ANSWER_SECONDS)


def make_part(project: Project, part: str, *, api: KubernetesApi | None = None) -> None:
    """Makes one of PARTS on the cluster as it is wished now. Raises also NamespaceTaken and NamespaceEnding."""
    prepare(project)
    for _ in range(PORT_ATTEMPTS):
        try:
            apply_all(project, api or api_of(project), PARTS[part](project))
        except PortTaken as taken:
            give_up(project.placement.cluster, taken.number)
            prepare(project)
        else:
            return
    raise NotYet("The cluster's SSH ports that were tried belong to others; more of them are tried.")


def enter_namespace(project: Project, *, api: KubernetesApi | None = None) -> None:
    """Raises NotYet until the cluster lets the portal into the project's namespace, after a moment."""
    try:
        (api or api_of(project)).read(RESOURCE_QUOTA, QUOTA, project.namespace)
    except Forbidden as error:
        raise NotYet("The cluster does not let the portal into the namespace yet.") from error


def prepare(project: Project) -> None:
    """The rows that the manifests are made of: password and AE title of Orthanc, workspaces of the members, ports."""
    OrthancAccess.objects.get_or_create(
        project=project,
        defaults={
            "username": PORTAL_USER,
            "password": secrets.token_urlsafe(32),
            "explorer_password": secrets.token_urlsafe(16),
            "volume_gib": project.allocation.granted_storage_gib,
        },
    )
    ensure_application_entity(project)
    follow_members(project)
    cluster = project.placement.cluster
    for workspace in live_workspaces(project).filter(node_port=None):
        ensure_port(cluster, workspace)
    if project.dicom_devices.exists():
        ensure_port(cluster, project)
    else:
        NodePort.objects.filter(dicom_of=project).delete()


def follow_members(project: Project) -> None:
    """A workspace for each owner and member, none for anybody else; who comes back gets the same one again.

    None for who is deactivated here or disabled in Keycloak either: an SSH key asks neither.
    """
    users = set(working(project).values_list("user_id", flat=True))
    for workspace in Workspace.objects.filter(project=project, removed_at=None).exclude(user_id__in=users):
        _remove(workspace)
    known = set(Workspace.objects.filter(project=project, removed_at=None).values_list("user_id", flat=True))
    for user_pk in sorted(users - known):
        _add(project, user_pk)


def working(project: Project) -> QuerySet[Membership]:
    """The memberships with a workspace; none in an archived project."""
    found = Membership.objects.filter(project=project, role__in=WORKING_ROLES, user__is_active=True)
    return found.exclude(user__identities__is_enabled=False).exclude(project__status=Project.Status.ARCHIVED)


def has_workspace_as_wished(project: Project, user: User) -> bool:
    """Whether the person's workspace was made on the cluster, or taken away, as the membership wishes by now."""
    workspace = Workspace.objects.filter(project=project, user=user).first()
    made = Applied.objects.filter(project=project, kind=STATEFUL_SET.kind, name=workspace.name if workspace else "")
    return working(project).filter(user=user).exists() == made.exists()


def _add(project: Project, user_pk: int) -> None:
    with transaction.atomic():
        workspace, is_new = Workspace.objects.get_or_create(project=project, user_id=user_pk)
        fresh = {"removed_at": None, "home_removed_at": None, "created_at": timezone.now()}
        is_back = Workspace.objects.filter(pk=workspace.pk, removed_at__isnull=False).update(**fresh)
        if is_new or is_back:
            record("workspace.added", actor=None, project=project.pk, subject=workspace, member=user_pk)


def _remove(workspace: Workspace) -> None:
    with transaction.atomic():
        live = Workspace.objects.filter(pk=workspace.pk, removed_at=None)
        gone: dict[str, Any] = {"removed_at": timezone.now(), "address": None, "state": State.PENDING, "sentence": ""}
        if live.update(**gone):
            NodePort.objects.filter(workspace=workspace).delete()
            record(
                "workspace.removed",
                actor=None,
                project=workspace.project_id,
                subject=workspace,
                member=workspace.user_id,
            )


def check_orthanc(project: Project, *, api: KubernetesApi | None = None) -> None:
    """Raises NotYet, with why, until Orthanc answers."""
    api = api or api_of(project)
    deployment = api.read(DEPLOYMENT, "orthanc", project.namespace)
    if deployment is None:
        raise NotYet("Orthanc is about to be made.")
    status = deployment.get("status", {})
    is_current = status.get("observedGeneration") == deployment["metadata"].get("generation")
    if is_current and status.get("readyReplicas", 0) >= 1 and status.get("updatedReplicas", 0) >= 1:
        return
    pods = list(api.objects(POD, namespace=project.namespace, labels=selector_of({NAME_LABEL: "orthanc"})))
    raise NotYet(f"Orthanc is starting. {standing_of(newest(pods)).sentence}".strip())


def newest(pods: list[Manifest]) -> Manifest | None:
    return max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)


def connect_archive(project: Project, *, api: KubernetesApi | None = None) -> Archive:
    """The project's archive is the Orthanc in its namespace. Raises NotYet while it has no address."""
    access = OrthancAccess.objects.get(project=project)
    route = orthanc_route(project, api or api_of(project))
    return ensure_remote_archive(project, route=route, username=access.username, password=access.password)


def orthanc_route(project: Project, api: KubernetesApi) -> Route:
    """To its HTTP root, as the portal reaches it. Raises NotYet, and SecretUnreadable."""
    service = api.read(SERVICE, "orthanc", project.namespace)
    if service is None or not service["spec"].get("clusterIP"):
        raise NotYet("Orthanc has no address yet.")
    cluster = project.placement.cluster
    return route_to(cluster, service, DOOR_PORT if cluster.is_passed_on else HTTP_PORT)


def show_explorer_password(project: Project, *, by: User) -> OrthancAccess:
    """For a person who may export; who has it reads, changes and deletes everything in the project's Orthanc."""
    with transaction.atomic():
        access = OrthancAccess.objects.get(project=project)
        record("orthanc.password_shown", actor=by.pk, project=project.pk, subject=access)
    return access


def list_devices(project: Project, devices: Sequence[Device], *, by: int | None) -> None:
    """Who is let in by DIMSE from now on; nobody closes the port of an Orthanc. Raises ValidationError."""
    with transaction.atomic():
        devices_of_archives.list_devices(project, devices, by=by)
        _let_in(project)


def list_device(project: Project, device: Device, *, by: User) -> None:
    """It is let in by DIMSE from now on, beside the others. Raises ValidationError."""
    with transaction.atomic():
        devices_of_archives.list_device(project, device, by=by)
        _let_in(project)


def remove_device(device: DicomDevice, *, by: User) -> None:
    """It is not let in any more; the last one closes the port of an Orthanc."""
    with transaction.atomic():
        devices_of_archives.remove_device(device, by=by)
        _let_in(device.project)


def _let_in(project: Project) -> None:
    """Whoever is listed now, by the project's Orthanc if it has one on a cluster."""
    placement = Placement.objects.filter(project=project).first()
    if placement:
        ring("workspaces.reconcile", placement.cluster_id)


def placed(cluster: Cluster) -> QuerySet[Project]:
    """The projects of a cluster that are set up, to be kept as they are wished."""
    found = Project.objects.filter(placement__cluster=cluster, status__in=Project.SET_UP)
    found = found.select_related("placement__cluster", "allocation").defer(*secrets_by("placement__cluster"))
    return found.order_by("pk")
