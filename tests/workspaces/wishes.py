"""A project's things on its cluster, as the tests of manifests want them."""

from apps.integrations.kubernetes.port import Manifest
from apps.workspaces.manifests import (
    DicomPeer,
    Grant,
    OrthancWish,
    Place,
    WorkspaceWish,
    limit_range,
    namespace,
    network_policies,
    orthanc,
    resource_quota,
    role_bindings,
    workspace,
)

PLACE = Place(
    namespace="cardiac-mr",
    storage_class="fast",
    portal_sources=("10.20.0.0/16", "namespace:maia"),
    orthanc_image="registry.example/maia/orthanc:1",
    workspace_image="registry.example/maia/workspace:1",
)
GRANT = Grant(cpus=8, memory_gib=32, gpus=1, storage_gib=200)
SCANNER = DicomPeer("CT_SCANNER", "10.1.2.3")
ALICES = WorkspaceWish("workspace-7", 7, 30022, "/cardiac-mr/7/", ("ssh-ed25519 AAAAC3Nz laptop", "ssh-rsa AAAAB3Nz"))


def all_manifests() -> list[Manifest]:
    wish = OrthancWish(200, "CARDIACMR", {"portal": "secret"}, (SCANNER,), dicom_port=30104)
    return [
        namespace(PLACE.namespace, "0b9c"),
        resource_quota(PLACE, GRANT, workspaces=2, homes=3),
        limit_range(PLACE),
        *network_policies(PLACE, dicom_sources=(SCANNER.address,)),
        *role_bindings(PLACE),
        *orthanc(PLACE, wish),
        *workspace(PLACE, ALICES),
    ]
