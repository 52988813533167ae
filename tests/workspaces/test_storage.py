"""The volume of the images follows what is granted, as far as its storage can."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import (
    ApiRefused,
    Manifest,
)
from apps.projects.models import Project
from apps.workspaces import resting, sweeping
from tests.workspaces.conftest import claim_of, granted_storage


def test_the_volume_grows_with_what_is_granted(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    changed = granted_storage(made, 300, admin)
    resting.grow_volume(changed)
    resting.grow_volume(changed)
    assert claim_of(twin, made) == "300Gi"


def test_the_volume_never_shrinks_and_no_sweep_tries_to(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    changed = granted_storage(made, 20, admin)
    resting.grow_volume(changed)
    resting.follow_grant(changed)
    sweeping.reconcile(changed.placement.cluster)
    assert claim_of(twin, made) == "200Gi"


def test_storage_that_cannot_grow_keeps_its_size(
    made: Project, twin: MemoryKubernetes, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = granted_storage(made, 300, admin)

    def refuse(manifest: Manifest, **_: Any) -> Manifest:
        raise ApiRefused(403, "Forbidden", "only dynamically provisioned pvc can be resized")

    with monkeypatch.context() as refusing:
        refusing.setattr(twin, "apply", refuse)
        resting.grow_volume(changed)
    sweeping.reconcile(changed.placement.cluster)
    assert claim_of(twin, made) == "200Gi"
    assert changed.namespace_seen.trouble == ""
