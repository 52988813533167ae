"""The manifests of a project's rows, part by part. Each part may be made again at any time."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.selectors import authorized_keys
from apps.clusters.models import Cluster
from apps.clusters.permissions import project_binding
from apps.clusters.services import ingress_host
from apps.integrations.kubernetes.port import Manifest
from apps.projects.models import Project
from apps.workspaces import manifests
from apps.workspaces.models import NamespaceSeen, NodePort, OrthancAccess, Workspace

EXPLORER_USER = "explorer"
HOME_KEPT = timedelta(days=30)
Part = Callable[[Project], list[Manifest]]


def place_of(project: Project) -> manifests.Place:
    cluster = project.placement.cluster
    is_by_ingress = cluster.service_access == Cluster.ServiceAccess.INGRESS
    return manifests.Place(
        namespace=project.namespace,
        storage_class=cluster.storage_class,
        portal_sources=tuple(cluster.sources if cluster.is_passed_on else settings.PORTAL_SOURCES),
        orthanc_image=settings.ORTHANC_IMAGE or f"{cluster.image_prefix}/orthanc:{settings.VERSION}",
        workspace_image=settings.WORKSPACE_IMAGE or f"{cluster.image_prefix}/workspace:{settings.VERSION}",
        has_door=cluster.is_passed_on,
        ingress_host=ingress_host(cluster, manifests.ORTHANC, project.namespace) if is_by_ingress else "",
        ingress_class=cluster.ingress_class,
    )


def live_workspaces(project: Project) -> QuerySet[Workspace]:
    found = Workspace.objects.filter(project=project, removed_at=None).order_by("pk")
    return found.select_related("project", "user", "node_port")


def kept_homes(project: Project) -> QuerySet[Workspace]:
    """Workspaces whose home is to be there: the living, and those removed not long ago."""
    is_kept = Q(removed_at=None) | Q(removed_at__gt=timezone.now() - HOME_KEPT)
    return Workspace.objects.filter(is_kept, project=project).order_by("pk")


def namespace_part(project: Project) -> list[Manifest]:
    """With the binding that lets the portal do everything else in it."""
    seen, _ = NamespaceSeen.objects.get_or_create(project=project)
    return [manifests.namespace(project.namespace, str(seen.claim)), project_binding(project.namespace)]


def limits_part(project: Project) -> list[Manifest]:
    place, granted = place_of(project), project.allocation
    grant = manifests.Grant(
        granted.granted_cpus, granted.granted_memory_gib, granted.granted_gpus, granted.granted_storage_gib
    )
    counts = {"workspaces": live_workspaces(project).count(), "homes": kept_homes(project).count()}
    quota = manifests.resource_quota(place, grant, **counts, is_asleep=project.is_asleep)
    return [quota, manifests.limit_range(place)]


def network_part(project: Project) -> list[Manifest]:
    sources = sorted({device.address for device in project.dicom_devices.all()})
    return manifests.network_policies(place_of(project), dicom_sources=sources)


def roles_part(project: Project) -> list[Manifest]:
    return manifests.role_bindings(place_of(project))


def orthanc_part(project: Project) -> list[Manifest]:
    """Needs password and AE title (OrthancAccess, ApplicationEntity), a port (NodePort) where devices are listed."""
    access = OrthancAccess.objects.get(project=project)
    port = NodePort.objects.filter(dicom_of=project).first()
    devices = project.dicom_devices.all()
    peers = tuple(manifests.DicomPeer(one.ae_title, one.address, one.may_retrieve) for one in devices)
    wish = manifests.OrthancWish(
        storage_gib=access.volume_gib or project.allocation.granted_storage_gib,
        ae_title=project.application_entity.ae_title,
        users={access.username: access.password, EXPLORER_USER: access.explorer_password},
        peers=peers if port else (),
        dicom_port=port.number if port else 0,
    )
    return _at_rest(project, manifests.orthanc(place_of(project), wish))


def workspaces_part(project: Project) -> list[Manifest]:
    """Needs a port (NodePort) for each workspace; one that has none yet is left out."""
    place = place_of(project)
    living = [one for one in live_workspaces(project) if hasattr(one, "node_port")]
    made = _at_rest(project, [manifest for one in living for manifest in manifests.workspace(place, _wish(one))])
    known = {one.pk for one in living}
    homes = [one for one in kept_homes(project) if one.pk not in known]
    return made + [manifests.home_claim(place, one.name, one.pk) for one in homes]


def _at_rest(project: Project, made: list[Manifest]) -> list[Manifest]:
    """None of it runs while the project is asleep."""
    if project.is_asleep:
        for one in made:
            if "replicas" in one.get("spec", {}):
                one["spec"]["replicas"] = 0
    return made


def _wish(workspace: Workspace) -> manifests.WorkspaceWish:
    return manifests.WorkspaceWish(
        name=workspace.name,
        pk=workspace.pk,
        ssh_port=workspace.node_port.number,
        base_path=workspace.base_path,
        authorized_keys=tuple(authorized_keys(workspace.user)),
    )


PARTS: Mapping[str, Part] = {
    "namespace": namespace_part,
    "limits": limits_part,
    "network": network_part,
    "roles": roles_part,
    "orthanc": orthanc_part,
    "workspaces": workspaces_part,
}
