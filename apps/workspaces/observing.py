"""What runs in a project's namespace, written to the rows that the pages read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from django.utils import timezone

from apps.clusters.models import Cluster
from apps.clusters.services import route_to
from apps.integrations.kubernetes.ours import NAME_LABEL
from apps.integrations.kubernetes.port import (
    DEPLOYMENT,
    EVENT,
    POD,
    RESOURCE_QUOTA,
    SERVICE,
    STATEFUL_SET,
    KubernetesApi,
    Manifest,
)
from apps.integrations.monailabel.client import MonaiLabel
from apps.integrations.monailabel.port import LabelModel, ModelServerUnreachable
from apps.projects.models import Project
from apps.workspaces.manifests import QUOTA
from apps.workspaces.manifests.base import WORKSPACE_LABEL
from apps.workspaces.models import App, ModelServer, NamespaceSeen, State, Workspace
from apps.workspaces.services import newest
from apps.workspaces.wishes import live_workspaces
from apps.workspaces.words import Standing, standing_of

LINK = "maia.io/link"
NOT_APPS = ("workspace", "run")
MONAI_LABEL = "monailabel"
MOST_SHOWN = 100
UNASKED = "The portal cannot ask it for its models: the cluster's ingress leads to Orthanc alone."
MODELS_SECONDS = 10.0
NEVER = datetime.min.replace(tzinfo=UTC)


def observe(project: Project, api: KubernetesApi) -> None:
    """Raises ClusterUnreachable and ApiRefused; what was seen before stays then, with its time."""
    pods = list(api.objects(POD, namespace=project.namespace))
    services = {one["metadata"]["name"]: one for one in api.objects(SERVICE, namespace=project.namespace)}
    warnings = _warnings(project, api)
    _see_workspaces(project, pods, services, warnings)
    _see_apps(project, api, pods, warnings)
    _see_models(project, services, pods)
    _see_quota(project, api)


def _warnings(project: Project, api: KubernetesApi) -> dict[str, list[str]]:
    """Messages of warnings by the name of what they are about."""
    found: dict[str, list[str]] = {}
    for event in api.objects(EVENT, namespace=project.namespace, fields="type=Warning"):
        found.setdefault(event.get("involvedObject", {}).get("name", ""), []).append(str(event.get("message", "")))
    return found


def _see_workspaces(
    project: Project, pods: list[Manifest], services: Mapping[str, Manifest], warnings: Mapping[str, list[str]]
) -> None:
    # Browsers get there straight, or not at all.
    is_opened = not project.placement.cluster.is_passed_on
    for workspace in live_workspaces(project):
        own = [pod for pod in pods if _labels(pod).get(WORKSPACE_LABEL) == str(workspace.pk)]
        address = services.get(workspace.name, {}).get("spec", {}).get("clusterIP") if is_opened else None
        standing = standing_of(newest(own), warnings.get(workspace.name, ()))
        rows = Workspace.objects.filter(pk=workspace.pk, removed_at=None)
        rows.update(**_seen(standing), address=address)


def _see_apps(project: Project, api: KubernetesApi, pods: list[Manifest], warnings: Mapping[str, list[str]]) -> None:
    shown: list[str] = []
    for kind in (DEPLOYMENT, STATEFUL_SET):
        for one in api.objects(kind, namespace=project.namespace):
            if _labels(one).get(NAME_LABEL) not in NOT_APPS and len(shown) < MOST_SHOWN:
                shown.append(one["metadata"]["name"])
                fields = {**_seen(_standing_of_app(one, pods, warnings)), "link": _link(one)}
                App.objects.update_or_create(project=project, name=shown[-1], defaults=fields)
    App.objects.filter(project=project).exclude(name__in=shown).delete()


def _standing_of_app(app: Manifest, pods: list[Manifest], warnings: Mapping[str, list[str]]) -> Standing:
    status, name = app.get("status", {}), app["metadata"]["name"]
    if not app["spec"].get("replicas", 1):
        return Standing(State.PENDING, "It is switched off (no replicas).")
    if status.get("readyReplicas", 0) >= 1:
        return Standing(State.RUNNING)
    wanted = app["spec"]["selector"].get("matchLabels", {})
    own = [pod for pod in pods if wanted and wanted.items() <= _labels(pod).items()]
    about = [message for subject, found in warnings.items() if subject.startswith(name) for message in found]
    return standing_of(newest(own), about)


def _link(app: Manifest) -> str:
    link = str(app["metadata"].get("annotations", {}).get(LINK, ""))
    return link if link.startswith(("https://", "http://")) and len(link) <= 200 else ""


def _see_models(project: Project, services: Mapping[str, Manifest], pods: list[Manifest]) -> None:
    """Those that were not asked for longest first: servers that hang hold up neither each other nor other projects."""
    deadline = monotonic() + MODELS_SECONDS
    servers = [name for name, one in services.items() if _labels(one).get(NAME_LABEL) == MONAI_LABEL][:MOST_SHOWN]
    ModelServer.objects.filter(project=project).exclude(name__in=servers).delete()
    cluster = project.placement.cluster
    asked = dict(ModelServer.objects.filter(project=project).values_list("name", "seen_at"))
    for name in sorted(servers, key=lambda name: asked.get(name) or NEVER):
        if monotonic() > deadline:
            return
        ModelServer.objects.update_or_create(project=project, name=name, defaults=_ask(cluster, services[name], pods))


def _ask(cluster: Cluster, service: Manifest, pods: list[Manifest]) -> dict[str, Any]:
    address, ports = service["spec"].get("clusterIP"), service["spec"].get("ports", [])
    if not address or address == "None" or not ports:
        return _seen(Standing(State.FAILED, "Its Service has no address."))
    if cluster.service_access == Cluster.ServiceAccess.INGRESS:
        return _seen(_standing_unasked(service, pods))
    try:
        info = MonaiLabel(route_to(cluster, service, ports[0]["port"])).info()
    except ModelServerUnreachable as error:
        return _seen(Standing(State.FAILED, str(error)))
    return {
        **_seen(Standing(State.RUNNING)),
        "title": info.name,
        "version": info.version,
        "is_training": info.is_training,
        "offers": [_offer(model) for model in info.models],
    }


def _standing_unasked(service: Manifest, pods: list[Manifest]) -> Standing:
    wanted = service["spec"].get("selector", {})
    standing = standing_of(newest([pod for pod in pods if wanted and wanted.items() <= _labels(pod).items()]))
    return Standing(standing.state, standing.sentence or UNASKED)


def _offer(model: LabelModel) -> dict[str, Any]:
    return {"name": model.name, "type": model.type, "labels": list(model.labels), "dimension": model.dimension}


def _see_quota(project: Project, api: KubernetesApi) -> None:
    quota = api.read(RESOURCE_QUOTA, QUOTA, project.namespace) or {}
    status = quota.get("status", {})
    fields = {"seen_at": timezone.now(), "used": status.get("used", {}), "hard": status.get("hard", {})}
    NamespaceSeen.objects.update_or_create(project=project, defaults=fields)


def _seen(standing: Standing) -> dict[str, Any]:
    return {"state": standing.state, "sentence": standing.sentence, "seen_at": timezone.now()}


def _labels(one: Manifest) -> dict[str, str]:
    labels: dict[str, str] = one["metadata"].get("labels", {})
    return labels
