"""What a member's own server in the namespace shows of itself, and why one of them cannot start."""

from pathlib import Path
from typing import Any

import pytest

from apps.integrations.kubernetes.ours import restricted_container
from apps.projects.models import Project
from apps.workspaces import sweeping
from apps.workspaces.manifests.base import restricted_pod
from apps.workspaces.models import App, ModelServer, State
from tests.integrations.test_monailabel import RECORDED
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.workspaces.test_project import set_up, sweep
from tests.waiting import wait_until

pytestmark = pytest.mark.peers
NAMES = {"app.kubernetes.io/name": "monailabel"}


def deployment(image: str, name: str, labels: dict[str, str], **resources: Any) -> dict[str, Any]:
    """A server of files: /info/ is what a MONAI Label server was recorded to answer."""
    container = {
        "name": "server",
        "image": image,
        "command": ["python3", "-m", "http.server", "8000", "--directory", "/www"],
        "securityContext": restricted_container(),
        "resources": {"limits": resources},
        "volumeMounts": [{"name": "info", "mountPath": "/www/info"}],
    }
    volumes = [{"name": "info", "configMap": {"name": "recorded"}}]
    pod = {"metadata": {"labels": labels}, "spec": {**restricted_pod(), "containers": [container], "volumes": volumes}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}


def service() -> dict[str, Any]:
    spec = {"selector": NAMES, "ports": [{"port": 8000}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "radiology", "labels": NAMES}, "spec": spec}


def recorded(file: Path) -> dict[str, Any]:
    data = {"index.html": file.read_text()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "recorded"}, "data": data}


def test_apps_and_models_of_the_members(project: Project, kubernetes: Kubernetes, images: dict[str, str]) -> None:
    set_up(project)
    greedy = {"app": "greedy"}
    for manifest in (
        recorded(RECORDED / "info_ready.json"),
        service(),
        deployment(images["workspace"], "radiology", NAMES),
        deployment(images["workspace"], "greedy", greedy, **{"memory": "900Gi"}),
        deployment("127.0.0.1:1/nothing:1", "no-image", {"app": "no-image"}),
    ):
        kubernetes.kubectl("apply", "--namespace", project.namespace, "-f", "-", manifest=manifest)

    def sees_models() -> bool:
        sweeping.reconcile(project.placement.cluster)
        return ModelServer.objects.filter(project=project, state=State.RUNNING).exists()

    wait_until(sees_models, 90)
    server = ModelServer.objects.get(project=project)
    assert (server.name, server.title) == ("radiology", "Trivial")
    assert [(one["name"], one["type"], one["dimension"]) for one in server.offers] == [("threshold", "segmentation", 3)]
    sweep(project)
    apps = {app.name: app for app in App.objects.filter(project=project)}
    assert apps.keys() == {"orthanc", "radiology", "greedy", "no-image"}
    assert "quota is used up" in apps["greedy"].sentence
    assert "image cannot be fetched" in apps["no-image"].sentence
