"""Keeps a project's objects as they are wished: repairs what was deleted or changed by hand, removes all else of ours.

A home (PersistentVolumeClaim) is never removed as a stray, only when its time is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.ours import NAME_LABEL, labels_of, selector_of
from apps.integrations.kubernetes.port import (
    CONFIG_MAP,
    DEPLOYMENT,
    INGRESS,
    LIMIT_RANGE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    ApiRefused,
    Forbidden,
    Kind,
    KubernetesApi,
    Manifest,
    kind_of,
)
from apps.projects.models import Project
from apps.workspaces.applying import PortTaken, apply_one, check_namespace, remember
from apps.workspaces.drift import differences
from apps.workspaces.manifests.base import digest_of
from apps.workspaces.models import Applied, Drift, NamespaceSeen, Workspace
from apps.workspaces.ports import give_up
from apps.workspaces.services import connect_archive, enter_namespace, prepare
from apps.workspaces.wishes import HOME_KEPT, PARTS

KEPT_SO: tuple[Kind, ...] = (
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    NETWORK_POLICY,
    ROLE_BINDING,
    SECRET,
    CONFIG_MAP,
    VOLUME_CLAIM,
    SERVICE,
    DEPLOYMENT,
    STATEFUL_SET,
)
Name = tuple[str, str]


@dataclass(frozen=True)
class Refusal:
    """What could not be made so, as the page shows it."""

    name: Name
    sentence: str


def reconcile(project: Project, api: KubernetesApi) -> None:
    """Raises ClusterUnreachable, ApiRefused for what may not even be read, NamespaceTaken and NamespaceEnding."""
    prepare(project)
    applied = {(row.kind, row.name): row.digest for row in Applied.objects.filter(project=project)}
    # First what lets the portal look at the rest.
    door = PARTS["namespace"](project)
    entry = {name_of(one): there for one in door if (there := _read(api, one)) is not None}
    if namespace := entry.get(name_of(door[0])):
        check_namespace(namespace, door[0])
    refusals = [_make_so(project, api, manifest, entry, applied) for manifest in door]
    enter_namespace(project, api=api)
    rest = [manifest for name, part in PARTS.items() if name != "namespace" for manifest in part(project)]
    found = _found(project, api)
    refusals += [_make_so(project, api, manifest, found, applied) for manifest in rest]
    _remove_strays(project, api, found, {name_of(manifest) for manifest in (*door, *rest)})
    if not _has_ingress(project):
        refusals.append(_close_ingress(project, api))
    _remove_old_homes(project, api)
    connect_archive(project, api=api)
    trouble = " ".join(dict.fromkeys(refusal.sentence for refusal in refusals if refusal))
    NamespaceSeen.objects.filter(project=project).exclude(trouble=trouble).update(trouble=trouble)


def name_of(manifest: Manifest) -> Name:
    return manifest["kind"], manifest["metadata"]["name"]


def _read(api: KubernetesApi, manifest: Manifest) -> Manifest | None:
    metadata = manifest["metadata"]
    return api.read(kind_of(manifest), metadata["name"], metadata.get("namespace", ""))


def _has_ingress(project: Project) -> bool:
    return project.placement.cluster.service_access == Cluster.ServiceAccess.INGRESS


def _close_ingress(project: Project, api: KubernetesApi) -> Refusal | None:
    """That of a cluster which has another way to its services now, where the portal may not look for any."""
    for row in Applied.objects.filter(project=project, kind=INGRESS.kind):
        try:
            api.delete(INGRESS, row.name, project.namespace)
        except Forbidden:
            return Refusal((row.kind, row.name), f"The portal may not delete Ingress {row.name}, of no use any more.")
        row.delete()
    return None


def _found(project: Project, api: KubernetesApi) -> dict[Name, Manifest]:
    """What is ours there, but for what belongs to runs."""
    ours = selector_of(labels_of(project.namespace))
    found = {}
    for kind in (*KEPT_SO, INGRESS) if _has_ingress(project) else KEPT_SO:
        for one in api.objects(kind, namespace=project.namespace, labels=ours):
            if one["metadata"]["labels"].get(NAME_LABEL) != "run":
                found[kind.kind, one["metadata"]["name"]] = one
    return found


def _make_so(
    project: Project, api: KubernetesApi, manifest: Manifest, found: dict[Name, Manifest], applied: dict[Name, str]
) -> Refusal | None:
    name = name_of(manifest)
    there, is_known = found.get(name), applied.get(name) == digest_of(manifest)
    others = [] if there is None else differences(manifest, there)
    try:
        if there is None or others:
            apply_one(project, api, manifest)
        elif not is_known:
            remember(project, manifest)
    except PortTaken as taken:
        give_up(project.placement.cluster, taken.number)
        return Refusal(name, "A port of the cluster's nodes was taken by somebody else; another is given out.")
    except ApiRefused as error:
        return Refusal(name, f"The cluster did not take {name[0]} {name[1]} ({error.reason or error.status}).")
    if there is None and name in applied:
        _note(project, name, Drift.What.DELETED)
    elif others and is_known:
        _note(project, name, Drift.What.CHANGED, others)
    return None


def _note(project: Project, name: Name, what: Drift.What, fields: Iterable[str] = ()) -> None:
    changed = ", ".join(fields)
    with transaction.atomic():
        drift = Drift.objects.create(project=project, kind=name[0], name=name[1], what=what, fields=changed)
        record(
            "namespace.repaired",
            actor=None,
            project=project.pk,
            subject=drift,
            kind=name[0],
            name=name[1],
            what=what.value,
            fields=changed,
        )


def _remove_strays(project: Project, api: KubernetesApi, found: dict[Name, Manifest], wanted: set[Name]) -> None:
    kinds = {kind.kind: kind for kind in (*KEPT_SO, INGRESS) if kind != VOLUME_CLAIM}
    for name in found.keys() - wanted:
        if name[0] in kinds:
            api.delete(kinds[name[0]], name[1], project.namespace)
            was_ours, _ = Applied.objects.filter(project=project, kind=name[0], name=name[1]).delete()
            if not was_ours:
                _note(project, name, Drift.What.ADDED)


def _remove_old_homes(project: Project, api: KubernetesApi) -> None:
    over = timezone.now() - HOME_KEPT
    for workspace in Workspace.objects.filter(project=project, removed_at__lte=over, home_removed_at=None):
        api.delete(VOLUME_CLAIM, workspace.name, project.namespace)
        Applied.objects.filter(project=project, kind=VOLUME_CLAIM.kind, name=workspace.name).delete()
        if Workspace.objects.filter(pk=workspace.pk, removed_at__lte=over).update(home_removed_at=timezone.now()):
            record("workspace.home_removed", actor=None, project=project.pk, subject=workspace)
