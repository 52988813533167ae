"""Bringing what a project has on its cluster to the state of its life: asleep, awake, without workspaces, gone.

Everything here may run twice, or after a kill. What is said to be done `_while` the project is in a state does nothing
in any other. What asks the cluster raises ClusterUnreachable and ApiRefused, and NotYet while the cluster is at it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

from apps.archives.models import Archive
from apps.archives.services import ArchiveUnreachable, probe
from apps.clusters.models import Placement
from apps.core.doorbell import ring
from apps.integrations.kubernetes.ours import MANAGED_BY, NAME_LABEL, labels_of, selector_of
from apps.integrations.kubernetes.port import (
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    ApiRefused,
    KubernetesApi,
    Manifest,
    kind_of,
)
from apps.projects.models import Project
from apps.workspaces.applying import apply_all
from apps.workspaces.manifests import CLAIM_LABEL
from apps.workspaces.manifests.base import storage
from apps.workspaces.manifests.workspace import WORKSPACE
from apps.workspaces.models import (
    App,
    Applied,
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

Status = Project.Status
Bring = Callable[[Project], None]
AWAKE = "maia.io/replicas-awake"
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, JOB)
REMOVED = (DEPLOYMENT, STATEFUL_SET, SERVICE, CONFIG_MAP, SECRET, VOLUME_CLAIM, POD)
KEPT = Project.SET_UP | {Status.PROVISIONING, Status.DELETION_SCHEDULED}
ENDED_JOB = ("Complete", "Failed")
ENDED_POD = ("Succeeded", "Failed")
CANNOT_GROW = (403, 422)
"""How an API server answers for storage that cannot be expanded."""


def _while(*states: str) -> Callable[[Bring], Bring]:
    """Nothing is done for a project in another state."""

    def limited(bring: Bring) -> Bring:
        @wraps(bring)
        def act(project: Project) -> None:
            if project.status in states:
                bring(project)

        return act

    return limited


@_while(*Project.ASLEEP)
def sleep(project: Project) -> None:
    """Nothing runs in the namespace, whoever has made it, and nothing begins until `wake`.

    Our own things have no replicas wished. Of others Deployments and StatefulSets have none until `wake`, and Jobs are
    suspended; all other pods are deleted, and come back then if something else than these makes them.
    """
    api = api_of(project)
    _make_running_parts(project, api)
    for one in _workloads_of_others(project, api):
        if replicas := _replicas(one):
            api.apply(_scaled(one, 0, {AWAKE: str(replicas)}))
    if _stop(project, api, _running_pods(project, api)):
        raise NotYet("What runs in its namespace is being stopped.")


@_while(*Project.AT_WORK, Status.ARCHIVED)
def wake(project: Project) -> None:
    """What had been put to sleep runs again, Orthanc answers, and the index is brought up to it."""
    api = api_of(project)
    _make_running_parts(project, api)
    for one in _workloads_of_others(project, api):
        if (replicas := one["metadata"].get("annotations", {}).get(AWAKE, "")).isdecimal():
            api.apply(_scaled(one, int(replicas), {}))
    check_orthanc(project, api=api)
    for archive in project.archives.all():
        _await(archive)
        ring("archives.refresh_one", archive.pk)


@_while(Status.ARCHIVED)
def retire(project: Project) -> None:
    """Workspaces and what others run (Deployments, StatefulSets, Jobs, pods that nothing makes anew) are removed.

    Orthanc stays, and so do volumes: homes for their time.
    """
    api = api_of(project)
    reconcile(project, api)
    for one in [*_workloads_of_others(project, api), *_model_services(project, api)]:
        api.delete(kind_of(one), one["metadata"]["name"], project.namespace)
    if _stop(project, api, (pod for pod in _running_pods(project, api) if _is_retired(pod))):
        raise NotYet("Its workspaces and models are being stopped.")


@_while(*KEPT)
def follow_grant(project: Project) -> None:
    """The quota is what is granted now."""
    make_part(project, "limits")


@_while(*KEPT)
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


@_while(Status.DELETING)
def remove_workspaces(project: Project) -> None:
    _remove(project, "workspace", "Its workspaces are being removed.")


@_while(Status.DELETING)
def remove_orthanc(project: Project) -> None:
    _remove(project, "orthanc", "Its Orthanc is being removed.")


@_while(Status.DELETING)
def remove_namespace(project: Project) -> None:
    """Only the project's own: one of the same name that somebody else has made is left alone."""
    api = api_of(project)
    if _own_namespace(project, api) is not None:
        api.delete(NAMESPACE, project.namespace)
        raise NotYet("The namespace is being removed, with all that is left in it.")


def forget(project: Project) -> None:
    """The rows of what a project had on a cluster."""
    for model in (App, Applied, Drift, ModelServer, NamespaceSeen, OrthancAccess, Workspace, Placement):
        model.objects.filter(project=project).delete()
    NodePort.objects.filter(dicom_of=project).delete()


def _await(archive: Archive) -> None:
    """Once its pod is ready the cluster's network still needs a moment to lead there."""
    try:
        probe(archive)
    except ArchiveUnreachable as unreachable:
        raise NotYet(str(unreachable)) from unreachable


def _make_running_parts(project: Project, api: KubernetesApi) -> None:
    # The quota first: asleep, what is stopped then is not begun anew; awake, it lets the rest begin.
    for part in ("limits", "orthanc", "workspaces"):
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
            if not MANAGED_BY.items() <= _labels(one).items():
                yield one


def _model_services(project: Project, api: KubernetesApi) -> Iterator[Manifest]:
    return api.objects(SERVICE, namespace=project.namespace, labels=selector_of({NAME_LABEL: MONAI_LABEL}))


def _replicas(one: Manifest) -> int:
    """How many are wished to run; 1 for a Job that is not suspended and has not ended."""
    if kind_of(one) != JOB:
        return int(one["spec"].get("replicas", 1))
    conditions = one.get("status", {}).get("conditions", [])
    has_ended = any(each["type"] in ENDED_JOB and each["status"] == "True" for each in conditions)
    return int(not has_ended and not one["spec"].get("suspend", False))


def _scaled(one: Manifest, replicas: int, annotations: Mapping[str, str]) -> Manifest:
    metadata: dict[str, Any] = {"name": one["metadata"]["name"], "namespace": one["metadata"]["namespace"]}
    if annotations:
        metadata["annotations"] = dict(annotations)
    spec = {"suspend": not replicas} if kind_of(one) == JOB else {"replicas": replicas}
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": metadata, "spec": spec}


def _running_pods(project: Project, api: KubernetesApi) -> Iterator[Manifest]:
    """Those that have not ended, also while they are being stopped."""
    for pod in api.objects(POD, namespace=project.namespace):
        if pod.get("status", {}).get("phase") not in ENDED_POD:
            yield pod


def _is_retired(pod: Manifest) -> bool:
    return _labels(pod).get(NAME_LABEL) in (WORKSPACE, MONAI_LABEL) or not _owners(pod)


def _owners(pod: Manifest) -> set[str]:
    """The kinds of what makes it anew."""
    return {owner["kind"] for owner in pod["metadata"].get("ownerReferences", [])}


def _stop(project: Project, api: KubernetesApi, pods: Iterable[Manifest]) -> bool:
    """Whether there is one left that ends now."""
    found = list(pods)
    for pod in found:
        # A Job ends its own when it is suspended or deleted, and would count others that end as failures.
        if "deletionTimestamp" not in pod["metadata"] and JOB.kind not in _owners(pod):
            api.delete(POD, pod["metadata"]["name"], project.namespace)
    return bool(found)


def _labels(one: Manifest) -> dict[str, str]:
    labels: dict[str, str] = one["metadata"].get("labels", {})
    return labels
