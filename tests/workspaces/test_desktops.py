"""Desktops on the project page: a row for each member, doors for oneself alone."""

from typing import Any

from django.urls import reverse

from apps.accounts.models import SshKey, User
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.workspaces import services
from apps.workspaces.models import State, Workspace
from apps.workspaces.selectors import MEMBERS_SHOWN
from tests.conftest import ClientOf, make_person
from tests.workspaces.conftest import live


def test_one_s_own_doors_only(running: Project, alice: User, bob: User, vera: User, client_of: ClientOf) -> None:
    hers, his = (Workspace.objects.get(user=user) for user in (alice, bob))
    part = live(client_of(alice), running)
    assert f"ssh -p {hers.node_port.number} maia@ssh.example" in part
    assert reverse("workspaces:open", args=[running.namespace, hers.pk, "desktop"]) in part
    assert str(his.node_port.number) not in part
    assert f"/workspaces/{his.pk}/" not in part
    looking = live(client_of(vera), running)
    assert "ssh -p" not in looking
    assert "/open/" not in looking
    assert "Viewers have no workspace." in looking


def test_an_administrator_who_looks_has_no_door(running: Project, admin: User, client_of: ClientOf) -> None:
    part = live(client_of(admin), running)
    assert "ssh -p" not in part
    assert "/open/" not in part


def test_who_has_no_key_is_told_to_add_one(running: Project, alice: User, client_of: ClientOf) -> None:
    assert "add one to your account" in live(client_of(alice), running)
    SshKey.objects.create(user=alice, name="laptop", public_key="ssh-ed25519 AAAA", fingerprint="SHA256:x")
    assert "add one to your account" not in live(client_of(alice), running)


def test_why_a_workspace_does_not_run(running: Project, alice: User, client_of: ClientOf) -> None:
    Workspace.objects.filter(user=alice).update(state=State.PENDING, sentence="No node has a free GPU now.")
    part = live(client_of(alice), running)
    assert "No node has a free GPU now." in part
    assert "/open/" not in part


def test_a_portal_without_a_second_host_shows_ssh_alone(
    running: Project, alice: User, client_of: ClientOf, settings: Any
) -> None:
    settings.WORKSPACES_URL = ""
    part = live(client_of(alice), running)
    assert "ssh -p" in part
    assert "By SSH only" in part


def test_of_many_members_one_s_own_row_is_always_there(
    running: Project, alice: User, client_of: ClientOf, settings: Any
) -> None:
    people = [make_person(f"p{number:02}") for number in range(51)]
    for person in people:
        ensure_member(running, person, role=Membership.Role.MEMBER)
    services.prepare(running)
    Workspace.objects.update(state=State.RUNNING, address="10.96.0.7")
    last = Workspace.objects.get(user=people[-1])
    part = live(client_of(people[-1]), running)
    assert f"ssh -p {last.node_port.number} maia@ssh.example" in part
    assert reverse("workspaces:open", args=[running.namespace, last.pk, "jupyter"]) in part
    assert part.count('data-label="Member"') == MEMBERS_SHOWN
    assert f'and {running.memberships.count() - MEMBERS_SHOWN} more: <a href="/projects/{running.namespace}/m' in part
    assert part.count("you</span>") == 1


def test_few_members_are_all_there_is(running: Project, alice: User, client_of: ClientOf) -> None:
    assert "more: <a" not in live(client_of(alice), running)


def test_what_there_is_none_of_is_said(running: Project, alice: User, admin: User, client_of: ClientOf) -> None:
    Workspace.objects.update(address=None)
    assert "Its address is not known yet" in live(client_of(alice), running)
    running.memberships.all().delete()
    assert "None: the project has no members now." in live(client_of(admin), running)
