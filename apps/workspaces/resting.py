"""Bringing what a project has on its cluster to the state of its life: asleep, awake, without workspaces, gone.

Everything here may run twice, or after a kill, and does nothing once the project is in another state. What asks the
cluster raises ClusterUnreachable and ApiRefused, and NotYet while the cluster is at it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.clusters.models import Placement
from apps.core.doorbell import ring
from apps.integrations.kubernetes.ours import MANAGED_BY, NAME_LABEL, labels_of, selector_of
from apps.integrations.kubernetes.port import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    ApiRefused,
    Kind,
    KubernetesApi,
    Manifest,
)
from apps.projects.models import Project
from apps.workspaces.applying import apply_all
from apps.workspaces.manifests import CLAIM_LABEL
from apps.workspaces.manifests.base import storage
from apps.workspaces.models import (
    App,
    Applied,
    DicomDevice,
    Drift,
    ModelServer,
    NamespaceSeen,
    NodePort,
    OrthancAccess,
    Workspace,
)
from apps.workspaces.observing import MONAI_LABEL
from apps.workspaces.reconciling import reconcile
from apps.workspaces.services import NotYet, api_of, check_orthanc, make_part
from apps.workspaces.wishes import PARTS

AWAKE = "maia.io/replicas-awake"
OUR_PODS = ("orthanc", "workspace")
WORKLOADS = (DEPLOYMENT, STATEFUL_SET)
REMOVED = (*WORKLOADS, SERVICE, CONFIG_MAP, SECRET, VOLUME_CLAIM, POD)
CANNOT_GROW = (403, 422)
"""How an API server answers for storage that cannot be expanded."""


def sleep(project: Project) -> None:
    """Nothing runs: our own things have no replicas wished, those of others get none until `wake`."""
    if not project.is_asleep:
        return
    api = api_of(project)
    _make_running_parts(project, api)
    for one in _workloads_of_others(project, api):
        if one["spec"].get("replicas", 1):
            api.apply(_scaled(one, 0, {AWAKE: str(one["spec"].get("replicas", 1))}))
    if any(_pods(project, api, *OUR_PODS)):
        raise NotYet("Its workspaces and its archive are being stopped.")


def wake(project: Project) -> None:
    """What had been put to sleep runs again, Orthanc answers, and the index is brought up to it."""
    if project.is_asleep:
        return
    api = api_of(project)
    _make_running_parts(project, api)
    for one in _workloads_of_others(project, api):
        if (replicas := one["metadata"].get("annotations", {}).get(AWAKE, "")).isdecimal():
            api.apply(_scaled(one, int(replicas), {}))
    check_orthanc(project, api=api)
    for archive in project.archives.all():
        ring("archives.refresh_one", archive.pk)


def retire(project: Project) -> None:
    """No workspace and nothing of others runs any more. Orthanc stays, and so do volumes: homes for their time."""
    if project.status != Project.Status.ARCHIVED:
        return
    api = api_of(project)
    reconcile(project, api)
    for one in [*_workloads_of_others(project, api), *_model_services(project, api)]:
        api.delete(_kind_of(one), one["metadata"]["name"], project.namespace)
    if any(_pods(project, api, "workspace", MONAI_LABEL)):
        raise NotYet("Its workspaces and models are being stopped.")


def follow_grant(project: Project) -> None:
    make_part(project, "limits")


def grow_volume(project: Project) -> None:
    """The archive's volume grows with what is granted, where the cluster's storage can; it never shrinks."""
    access, granted_gib = OrthancAccess.objects.get(project=project), project.allocation.granted_storage_gib
    if granted_gib <= (access.volume_gib or 0):
        return
    claims = [one for one in PARTS["orthanc"](project) if one["kind"] == VOLUME_CLAIM.kind]
    for claim in claims:
        claim["spec"]["resources"]["requests"]["storage"] = storage(granted_gib)
    try:
        apply_all(project, api_of(project), claims)
    except ApiRefused as error:
        if error.status in CANNOT_GROW:
            return
        raise
    OrthancAccess.objects.filter(pk=access.pk).update(volume_gib=granted_gib)


def remove_workspaces(project: Project) -> None:
    _remove(project, "workspace", "Its workspaces are being removed.")


def remove_orthanc(project: Project) -> None:
    _remove(project, "orthanc", "Its Orthanc is being removed.")


def remove_namespace(project: Project) -> None:
    """Only the project's own: one of the same name that somebody else has made is left alone."""
    api = api_of(project)
    if _own_namespace(project, api) is not None:
        api.delete(NAMESPACE, project.namespace)
        raise NotYet("The namespace is being removed, with all that is left in it.")


def forget(project: Project) -> None:
    """The rows of what a project had on a cluster."""
    for model in (App, Applied, DicomDevice, Drift, ModelServer, NamespaceSeen, OrthancAccess, Workspace, Placement):
        model.objects.filter(project=project).delete()
    NodePort.objects.filter(dicom_of=project).delete()


def _make_running_parts(project: Project, api: KubernetesApi) -> None:
    for part in ("orthanc", "workspaces"):
        make_part(project, part, api=api)


def _remove(project: Project, name: str, sentence: str) -> None:
    api = api_of(project)
    namespace = _own_namespace(project, api)
    if namespace is None or "deletionTimestamp" in namespace["metadata"]:
        return
    ours, left = selector_of(labels_of(project.namespace, name)), 0
    for kind in REMOVED:
        for one in api.objects(kind, namespace=project.namespace, labels=ours):
            api.delete(kind, one["metadata"]["name"], project.namespace)
            left += 1
    if left:
        raise NotYet(sentence)


def _own_namespace(project: Project, api: KubernetesApi) -> Manifest | None:
    found, (wanted, *_) = api.read(NAMESPACE, project.namespace), PARTS["namespace"](project)
    claims = [one["metadata"].get("labels", {}).get(CLAIM_LABEL) for one in (found or {"metadata": {}}, wanted)]
    return found if claims[0] == claims[1] else None


def _workloads_of_others(project: Project, api: KubernetesApi) -> Iterator[Manifest]:
    for kind in WORKLOADS:
        for one in list(api.objects(kind, namespace=project.namespace)):
            if not MANAGED_BY.items() <= one["metadata"].get("labels", {}).items():
                yield {**one, "apiVersion": kind.api_version, "kind": kind.kind}


def _model_services(project: Project, api: KubernetesApi) -> Iterator[Manifest]:
    for one in api.objects(SERVICE, namespace=project.namespace, labels=selector_of({NAME_LABEL: MONAI_LABEL})):
        yield {**one, "apiVersion": SERVICE.api_version, "kind": SERVICE.kind}


def _scaled(one: Manifest, replicas: int, annotations: Mapping[str, str]) -> Manifest:
    metadata: dict[str, Any] = {"name": one["metadata"]["name"], "namespace": one["metadata"]["namespace"]}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": metadata, "spec": {"replicas": replicas}}


def _kind_of(one: Manifest) -> Kind:
    return next(kind for kind in (*WORKLOADS, SERVICE) if kind.kind == one["kind"])


def _pods(project: Project, api: KubernetesApi, *names: str) -> Iterator[Manifest]:
    for name in names:
        yield from api.objects(POD, namespace=project.namespace, labels=selector_of({NAME_LABEL: name}))
