"""Makes objects on a cluster as they are wished, and remembers that it did."""

from collections.abc import Iterable

from apps.integrations.kubernetes.port import (
    NAMESPACE,
    VOLUME_CLAIM,
    AlreadyExists,
    ApiRefused,
    KubernetesApi,
    Manifest,
    kind_of,
)
from apps.projects.models import Project
from apps.workspaces.manifests import CLAIM_LABEL
from apps.workspaces.manifests.base import digest_of
from apps.workspaces.models import Applied

UNPROCESSABLE = 422
PORT_TAKEN = "provided port is already allocated"


class NamespaceTaken(Exception):
    """The cluster has a namespace of that name which is not this project's: it is left alone."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The cluster has a namespace {name} already that is not this project's. It is left alone: "
            "an administrator has to remove it, or to end the project."
        )


class NamespaceEnding(Exception):
    """The project's namespace is still being deleted; it is made anew afterwards."""

    def __init__(self) -> None:
        super().__init__("The namespace of before is still being deleted.")


class PortTaken(Exception):
    """A NodePort belongs to a Service that is not ours."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__("A port of the cluster's nodes was taken by somebody else.")
        self.number: int = manifest["spec"]["ports"][0]["nodePort"]


def apply_all(project: Project, api: KubernetesApi, wanted: Iterable[Manifest]) -> None:
    """Raises ApiRefused, ClusterUnreachable, PortTaken, NamespaceTaken and NamespaceEnding."""
    for manifest in wanted:
        apply_one(project, api, manifest)


def apply_one(project: Project, api: KubernetesApi, manifest: Manifest) -> None:
    if kind_of(manifest) == NAMESPACE:
        _claim(api, manifest)
    try:
        api.apply(manifest)
    except ApiRefused as error:
        if PORT_TAKEN in str(error):
            raise PortTaken(manifest) from error
        if error.status != UNPROCESSABLE or kind_of(manifest) in (NAMESPACE, VOLUME_CLAIM):
            raise
        _replace(api, manifest)
    remember(project, manifest)


def remember(project: Project, manifest: Manifest) -> None:
    name = manifest["metadata"]["name"]
    Applied.objects.update_or_create(
        project=project, kind=manifest["kind"], name=name, defaults={"digest": digest_of(manifest)}
    )


def check_namespace(found: Manifest, wanted: Manifest) -> None:
    """Raises NamespaceTaken and NamespaceEnding."""
    labels = [one["metadata"].get("labels", {}).get(CLAIM_LABEL) for one in (found, wanted)]
    if labels[0] != labels[1]:
        raise NamespaceTaken(wanted["metadata"]["name"])
    if "deletionTimestamp" in found["metadata"]:
        raise NamespaceEnding


def _claim(api: KubernetesApi, manifest: Manifest) -> None:
    # An apply would adopt what is there; only a create says whose it is.
    try:
        api.create(manifest)
    except AlreadyExists:
        found = api.read(NAMESPACE, manifest["metadata"]["name"])
        if found is not None:
            check_namespace(found, manifest)


def _replace(api: KubernetesApi, manifest: Manifest) -> None:
    """For an object of the same name that somebody has made with fields which cannot be changed."""
    metadata = manifest["metadata"]
    api.delete(kind_of(manifest), metadata["name"], metadata["namespace"])
    api.apply(manifest)
