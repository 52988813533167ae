"""The members' page: who sees it, who changes what, and what never happens."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.projects.invitations import Invitee, invite
from apps.projects.members import LastOwner, NotMember, add_member, change_role, remove_member, set_export
from apps.projects.models import Invitation, Membership, MembershipChange, Project, Removal
from apps.provisioning import members as ledger
from tests.conftest import ClientOf, make_person
from tests.projects.conftest import row_of
from tests.queries import cost_of

Role = Membership.Role
PAGE = "/projects/cardiac-mr/members/"


def said(client: Client, path: str, **sent: str) -> str:
    """What the page says after the form was sent."""
    return client.post(path, sent, follow=True).content.decode()


def test_everybody_in_the_project_sees_who_is_in_it(project: Project, vera: User, client_of: ClientOf) -> None:
    shown = client_of(vera).get(PAGE).content.decode()
    for text in ("Alice", "bob@hospital.example", "Vera", "Leave the project"):
        assert text in shown
    for text in ("Invite", "Remove", "In progress"):
        assert text not in shown


def test_an_owner_changes_a_role(project: Project, alice: User, bob: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert "Bob is viewer now" in said(client, f"{PAGE}{row_of(bob).pk}/role/", role="viewer")
    assert row_of(bob).role == Role.VIEWER
    change = MembershipChange.objects.get()
    assert (change.action, change.role, change.user, change.asked_by) == ("role", "viewer", bob, alice)
    audited = Entry.objects.get(action="member.role_changed")
    assert (audited.actor_pk, audited.detail["role"]) == (alice.pk, {"before": "member", "after": "viewer"})


def test_the_same_role_again_changes_nothing(project: Project, alice: User, bob: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    for _ in range(2):
        client.post(f"{PAGE}{row_of(bob).pk}/role/", {"role": "viewer"})
    assert MembershipChange.objects.count() == 1


@pytest.mark.parametrize("role", ["", "administrator", "OWNER"])
def test_an_unknown_role_is_refused(project: Project, alice: User, bob: User, client_of: ClientOf, role: str) -> None:
    assert "Choose one of the roles" in said(client_of(alice), f"{PAGE}{row_of(bob).pk}/role/", role=role)
    assert row_of(bob).role == Role.MEMBER


def test_the_last_owner_stays_one(project: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    for path, sent in ((f"{row_of(alice).pk}/role/", {"role": "member"}), ("leave/", {})):
        assert "last owner" in said(client, f"{PAGE}{path}", **sent)
    assert "last owner" in said(client, f"{PAGE}{row_of(alice).pk}/remove/")
    assert row_of(alice).role == Role.OWNER
    assert not MembershipChange.objects.exists()


def test_the_right_to_export_is_given_and_taken(project: Project, alice: User, bob: User, client_of: ClientOf) -> None:
    client, path = client_of(alice), f"{PAGE}{row_of(bob).pk}/export/"
    client.post(path, {"may_export": "on"})
    assert row_of(bob).may_export
    client.post(path)
    assert not row_of(bob).may_export
    assert [entry.detail["may_export"]["after"] for entry in Entry.objects.filter(action="member.export_changed")] == [
        True,
        False,
    ]
    subjects = list(Mail.objects.filter(to=bob.email).order_by("pk").values_list("subject", flat=True))
    assert subjects == [
        "You may take images out of the project Cardiac mr",
        "You may no longer take images out of the project Cardiac mr",
    ]
    assert "Owners may always export" in said(client, f"{PAGE}{row_of(alice).pk}/export/")


def test_export_comes_and_goes_with_ownership_and_stays_otherwise(project: Project, alice: User, bob: User) -> None:
    set_export(row_of(bob), may_export=True, by=alice)
    for role, may_export in ((Role.VIEWER, True), (Role.OWNER, True), (Role.MEMBER, False)):
        change_role(row_of(bob), role=role, by=alice)
        assert row_of(bob).may_export is may_export


def test_who_is_removed_has_no_access_from_that_moment_on(
    project: Project, alice: User, bob: User, client_of: ClientOf
) -> None:
    hers, his = client_of(alice), client_of(bob)
    _, secret = make_token(bob, name="script", days=1)
    program = {"Authorization": f"Bearer {secret}"}
    archive = "/projects/cardiac-mr/dicomweb/studies"
    path = f"{PAGE}{row_of(bob).pk}/remove/"
    assert "has no access from that moment on" in hers.get(path).content.decode()
    assert his.get(PAGE).status_code == 200
    assert "Bob is out of the project" in said(hers, path)
    assert his.get(PAGE).status_code == 404
    assert Client().get(archive, headers=program).status_code == 404
    assert his.get("/account/").status_code == 200  # the session itself lives on
    assert Removal.objects.get(user=bob).done_at is None
    assert hers.post(path).status_code == 404


def test_who_is_removed_does_not_come_back_by_an_older_invitation(project: Project, alice: User, bob: User) -> None:
    remove_member(project, bob, by=alice)
    invitation = invite(project, Invitee(bob.email, Role.OWNER), by=alice)
    add_member(project, bob, role=Role.VIEWER, by=alice)
    remove_member(project, bob, by=alice)
    invitation.refresh_from_db()
    assert invitation.status == Invitation.Status.REVOKED


def test_a_member_leaves(project: Project, bob: User, client_of: ClientOf) -> None:
    client = client_of(bob)
    assert "Leave Cardiac mr?" in client.get(f"{PAGE}leave/").content.decode()
    assert "You have left Cardiac mr" in said(client, f"{PAGE}leave/")
    assert client.get(PAGE).status_code == 404
    assert client.post(f"{PAGE}leave/").status_code == 404
    ledger.sweep()
    assert Mail.objects.get().subject == "You are no longer in the project Cardiac mr"


def test_an_owner_hands_over_and_leaves(project: Project, alice: User, bob: User, client_of: ClientOf) -> None:
    client, path = client_of(alice), f"{PAGE}{row_of(bob).pk}/hand-over/"
    assert "Hand the project over to Bob?" in client.get(path).content.decode()
    assert "Bob is an owner now, and you are a member" in said(client, path)
    assert (row_of(bob).role, row_of(bob).may_export) == (Role.OWNER, True)
    assert (row_of(alice).role, row_of(alice).may_export) == (Role.MEMBER, False)
    assert client.post(path).status_code == 403
    assert "You have left" in said(client, f"{PAGE}leave/")
    assert list(Membership.objects.filter(role=Role.OWNER)) == [row_of(bob)]


def test_an_owner_does_not_hand_over_to_themselves(project: Project, alice: User, client_of: ClientOf) -> None:
    assert "not in the project any more" in said(client_of(alice), f"{PAGE}{row_of(alice).pk}/hand-over/")
    assert row_of(alice).role == Role.OWNER


def test_a_role_of_somebody_who_has_left_meanwhile_is_refused(project: Project, alice: User, bob: User) -> None:
    stale = row_of(bob)
    stale_pk = stale.pk
    Membership.objects.filter(pk=stale_pk).delete()
    with pytest.raises(NotMember):
        change_role(stale, role=Role.OWNER, by=alice)
    assert not Membership.objects.filter(user=bob).exists()


def test_a_member_of_another_project_is_not_reached(
    project: Project, make_project: Callable[[str], Project], alice: User, charlie: User, client_of: ClientOf
) -> None:
    other = make_project("other")
    add_member(other, charlie, role=Role.OWNER, by=None)
    client = client_of(alice)
    for path in ("role/", "remove/", "export/", "hand-over/"):
        assert client.post(f"{PAGE}{row_of(charlie).pk}/{path}", {"role": "viewer"}).status_code == 404
    assert row_of(charlie).role == Role.OWNER


def test_an_administrator_helps_a_project_whose_owner_is_gone(
    project: Project, alice: User, bob: User, admin: User, client_of: ClientOf
) -> None:
    Membership.objects.filter(user=alice).delete()
    client = client_of(admin)
    said(client, f"{PAGE}{row_of(bob).pk}/role/", role="owner")
    assert row_of(bob).role == Role.OWNER
    assert Entry.objects.filter(action="member.role_changed", actor_pk=admin.pk).exists()


@pytest.mark.parametrize("words", ["vera", "VERA@hospital", "Ver"])
def test_somebody_is_found_by_name_or_address(project: Project, alice: User, client_of: ClientOf, words: str) -> None:
    shown = client_of(alice).get(PAGE, {"q": words}).content.decode()
    assert "1 found" in shown
    assert "vera@hospital.example" in shown
    assert "bob@hospital.example" not in shown


def test_the_list_is_filtered_by_role_and_says_when_nobody_fits(
    project: Project, alice: User, client_of: ClientOf
) -> None:
    client = client_of(alice)
    assert "bob@hospital.example" in client.get(PAGE, {"role": "member"}).content.decode()
    assert "Nobody fits" in client.get(PAGE, {"q": "x" * 30}).content.decode()


def test_more_members_cost_no_more_queries(project: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    before = cost_of(client, PAGE)
    for number in range(60):
        add_member(project, make_person(f"p{number}"), role=Role.MEMBER, by=alice)
    assert cost_of(client, PAGE) <= before + 1  # the steps of what is under way, read at once
    assert "1–50 of 63" in client.get(PAGE).content.decode()
    assert cost_of(client, f"{PAGE}?page=2") == cost_of(client, PAGE)


def test_what_is_under_way_is_shown_to_owners_and_to_the_person(
    project: Project, alice: User, bob: User, vera: User, client_of: ClientOf
) -> None:
    change = change_role(row_of(bob), role=Role.VIEWER, by=alice)
    assert change is not None
    path = f"{PAGE}changes/{change.pk}/"
    for user, status in ((alice, 200), (bob, 200), (vera, 404)):
        assert ("In progress" in client_of(user).get(PAGE).content.decode()) == (status == 200)
        assert client_of(user).get(path).status_code == status
    assert "Mail to the person" in client_of(bob).get(path).content.decode()
    assert 'hx-select="#in-progress"' in client_of(alice).get(PAGE).content.decode()
    ledger.sweep()
    assert "In progress" not in client_of(alice).get(PAGE).content.decode()
    assert "Done" in client_of(alice).get(path).content.decode()


def test_a_step_that_failed_is_shown_and_retried(
    project: Project, alice: User, charlie: User, client_of: ClientOf
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    change = add_member(project, charlie, role=Role.MEMBER, by=alice)
    ledger.advance(change)
    client, path = client_of(alice), f"{PAGE}changes/{change.pk}/"
    assert "deactivated" in client.get(PAGE).content.decode()
    assert "Retry" in client.get(path).content.decode()
    User.objects.filter(pk=charlie.pk).update(is_active=True)
    assert "tried again" in said(client, f"{path}retry/")
    ledger.sweep()
    assert "Retry" not in client.get(path).content.decode()


def test_an_owner_who_is_deactivated_is_none_to_leave_the_project_to(project: Project, alice: User, bob: User) -> None:
    change_role(row_of(bob), role=Role.OWNER, by=alice)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(LastOwner):
        remove_member(project, alice, by=alice)
    assert remove_member(project, bob, by=alice)


@pytest.mark.parametrize("path", ["role/", "export/"])
def test_nothing_changes_by_looking(project: Project, alice: User, bob: User, client_of: ClientOf, path: str) -> None:
    assert client_of(alice).get(f"{PAGE}{row_of(bob).pk}/{path}").status_code == 405
