"""What all objects and pods of the portal share, whichever room makes them: labels, and how pods are locked in.

https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.integrations.kubernetes.port import FIELD_MANAGER

NAME_LABEL, PROJECT_LABEL = "app.kubernetes.io/name", "maia.io/project"
MANAGED_BY = {"app.kubernetes.io/managed-by": FIELD_MANAGER}


def labels_of(namespace: str, name: str = "") -> dict[str, str]:
    """The labels of all that is ours, by which it is found again; `name` says what it belongs to."""
    named = {NAME_LABEL: name} if name else {}
    return {**MANAGED_BY, PROJECT_LABEL: namespace, **named}


def selector_of(labels: Mapping[str, str]) -> str:
    """Selects what has all of these labels."""
    return ",".join(f"{name}={value}" for name, value in labels.items())


def restricted_pod(user_id: int) -> dict[str, Any]:
    """The part of a pod that Pod Security `restricted` asks for, without a service account's token."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user_id,
            "runAsGroup": user_id,
            "fsGroup": user_id,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def restricted_container() -> dict[str, Any]:
    """The security context of each container of such a pod."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
