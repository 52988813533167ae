"""Who joins gets a workspace, who leaves loses it: the step waits until the cluster's sweep has done it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.core import ledger
from apps.core.models import Mail, Step
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import STATEFUL_SET, VOLUME_CLAIM
from apps.projects.members import add_member, change_role, leave, remove_member
from apps.projects.models import Membership, MembershipChange, Project
from apps.provisioning import members
from apps.provisioning.plan import MEMBER
from apps.workspaces.models import Workspace
from apps.workspaces.sweeping import reconcile
from tests.waiting import wait_until

Role = Membership.Role


def advance(change: MembershipChange) -> bool:
    """As if the time to look again had come, and the claim of a worker that died were over."""
    past = timezone.now() - timedelta(hours=1)
    Step.objects.update(look_again_at=None, status_changed_at=past)
    return members.advance(members.change_by_pk(change.pk))


def step_of(change: MembershipChange) -> Step:
    return next(step for step in ledger.steps_of(MEMBER, change.pk) if step.name == "workspace")


def runs(twin: MemoryKubernetes, user: User) -> bool:
    workspace = Workspace.objects.get(user=user)
    return twin.read(STATEFUL_SET, workspace.name, workspace.project.namespace) is not None


def test_who_joins_has_a_workspace_before_the_mail(
    made: Project, cluster: Cluster, twin: MemoryKubernetes, alice: User, charlie: User
) -> None:
    change = add_member(made, charlie, role=Role.MEMBER, by=alice)
    assert not advance(change)
    assert (step_of(change).status, step_of(change).last_error) == (Step.Status.WAITING, "The cluster is asked for it.")
    assert not Mail.objects.filter(to=charlie.email).exists()
    reconcile(cluster)
    assert advance(change)
    assert runs(twin, charlie)
    assert Mail.objects.filter(to=charlie.email).count() == 1


def test_a_viewer_has_none_and_gets_one_as_a_member(
    made: Project, cluster: Cluster, twin: MemoryKubernetes, alice: User, vera: User, charlie: User
) -> None:
    assert advance(add_member(made, charlie, role=Role.VIEWER, by=alice))
    change = change_role(Membership.objects.get(user=vera), role=Role.MEMBER, by=alice)
    assert change is not None
    assert not advance(change)
    reconcile(cluster)
    assert advance(change)
    assert runs(twin, vera)


def test_who_leaves_loses_the_workspace_and_not_the_home(
    made: Project, cluster: Cluster, twin: MemoryKubernetes, bob: User
) -> None:
    assert runs(twin, bob)
    change = leave(made, bob)
    assert change is not None
    assert not advance(change)
    reconcile(cluster)
    assert advance(change)
    assert not runs(twin, bob)
    assert twin.read(VOLUME_CLAIM, Workspace.objects.get(user=bob).name, made.namespace) is not None


def test_who_comes_and_goes_while_the_cluster_is_away_leaves_nothing_there(
    made: Project, cluster: Cluster, twin: MemoryKubernetes, alice: User, charlie: User
) -> None:
    joined = add_member(made, charlie, role=Role.MEMBER, by=alice)
    left = remove_member(made, charlie, by=alice)
    assert left is not None
    assert advance(joined)
    assert advance(left)
    reconcile(cluster)
    assert not Workspace.objects.filter(user=charlie, removed_at=None).exists()
    assert Mail.objects.filter(to=charlie.email).count() == 1


@pytest.mark.faults
def test_a_cluster_that_cannot_be_reached_is_waited_for(
    made: Project, cluster: Cluster, alice: User, charlie: User
) -> None:
    Cluster.objects.update(status=Cluster.Status.UNREACHABLE)
    change = add_member(made, charlie, role=Role.MEMBER, by=alice)
    for _ in range(7):
        assert not advance(change)
    assert "The cluster main cannot be reached" in step_of(change).last_error
    Cluster.objects.update(status=Cluster.Status.REACHABLE)
    reconcile(cluster)
    assert advance(change)


@pytest.mark.faults
def test_a_worker_that_died_after_the_step_is_succeeded(
    made: Project, cluster: Cluster, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Like SIGKILL: nothing in the ledger may catch it."""

    act = members.ACTIONS["workspace"]

    def die(change_pk: int) -> None:
        act(change_pk)
        raise Killed

    change = add_member(made, charlie, role=Role.MEMBER, by=alice)
    reconcile(cluster)
    with monkeypatch.context() as dying:
        dying.setattr(members, "ACTIONS", {**members.ACTIONS, "workspace": die})
        with pytest.raises(Killed):
            advance(change)
    assert advance(change)
    assert Mail.objects.filter(to=charlie.email).count() == 1


def test_who_leaves_loses_it_on_a_disabled_cluster_too(
    made: Project, cluster: Cluster, twin: MemoryKubernetes, bob: User, bells: list[str]
) -> None:
    Cluster.objects.update(status=Cluster.Status.DISABLED)
    change = leave(made, bob)
    assert change is not None
    wait_until(lambda: advance(change))
    assert not runs(twin, bob)
    assert "workspaces.reconcile" in bells
