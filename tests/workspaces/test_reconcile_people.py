"""Who has a workspace, and what the sweep leaves of one whose person has gone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Identity, User
from apps.audit.models import Entry
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import (
    CONFIG_MAP,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
)
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.workspaces import sweeping
from apps.workspaces.models import Drift, NodePort, Workspace


def test_owners_and_members_have_a_workspace_viewers_have_none(kept: Project, alice: User, bob: User) -> None:
    assert {one.user for one in Workspace.objects.filter(project=kept)} == {alice, bob}


def test_who_leaves_loses_the_workspace_but_not_at_once_the_home(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster, bob: User
) -> None:
    his = Workspace.objects.get(user=bob)
    Membership.objects.filter(user=bob).delete()
    sweeping.reconcile(cluster)
    his.refresh_from_db()
    assert his.removed_at is not None
    assert not NodePort.objects.filter(workspace=his).exists()
    for kind in (STATEFUL_SET, SERVICE, CONFIG_MAP):
        assert twin.read(kind, his.name, kept.namespace) is None
    assert twin.read(SERVICE, f"{his.name}-ssh", kept.namespace) is None
    assert twin.read(VOLUME_CLAIM, his.name, kept.namespace) is not None
    assert list(Drift.objects.all()) == []
    ensure_member(kept, bob, role=Membership.Role.MEMBER)
    sweeping.reconcile(cluster)
    his.refresh_from_db()
    assert his.removed_at is None
    assert twin.read(STATEFUL_SET, his.name, kept.namespace) is not None


def test_a_home_goes_after_a_month(kept: Project, twin: MemoryKubernetes, cluster: Cluster, bob: User) -> None:
    his = Workspace.objects.get(user=bob)
    Membership.objects.filter(user=bob).delete()
    sweeping.reconcile(cluster)
    Workspace.objects.filter(pk=his.pk).update(removed_at=timezone.now() - timedelta(days=31))
    sweeping.reconcile(cluster)
    sweeping.reconcile(cluster)
    assert twin.read(VOLUME_CLAIM, his.name, kept.namespace) is None
    assert Entry.objects.filter(action="workspace.home_removed").count() == 1


def test_who_is_deactivated_loses_the_workspace(kept: Project, cluster: Cluster, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    sweeping.reconcile(cluster)
    assert Workspace.objects.get(user=bob).removed_at is not None


@pytest.mark.attacks
def test_who_is_disabled_in_keycloak_loses_the_workspace_until_enabled(
    kept: Project, cluster: Cluster, bob: User
) -> None:
    his = Identity.objects.create(user=bob, issuer="https://keycloak.example/realms/maia", subject="his")
    for is_enabled in (True, False, True):
        Identity.objects.filter(pk=his.pk).update(is_enabled=is_enabled)
        sweeping.reconcile(cluster)
        assert (Workspace.objects.get(user=bob).removed_at is None) is is_enabled
