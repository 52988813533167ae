"""What a project has on its cluster, as plain data: pure functions of rows.

Quantities are written as the API server writes them, and nothing empty is named, so that what is there can be compared
with what is wanted (`apps.workspaces.drift`).
"""

from apps.workspaces.manifests.base import Grant, Place
from apps.workspaces.manifests.namespace import (
    CLAIM_LABEL,
    QUOTA,
    limit_range,
    namespace,
    resource_quota,
    role_bindings,
)
from apps.workspaces.manifests.network import network_policies
from apps.workspaces.manifests.orthanc import ORTHANC, DicomPeer, OrthancWish, orthanc
from apps.workspaces.manifests.workspace import WorkspaceWish, home_claim, workspace

__all__ = [
    "CLAIM_LABEL",
    "ORTHANC",
    "QUOTA",
    "DicomPeer",
    "Grant",
    "OrthancWish",
    "Place",
    "WorkspaceWish",
    "home_claim",
    "limit_range",
    "namespace",
    "network_policies",
    "orthanc",
    "resource_quota",
    "role_bindings",
    "workspace",
]
