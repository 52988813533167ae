"""Members and invitations by programs: `/api/v1/projects/<project>/members/` and `invitations/`."""

import pytest

from apps.accounts.models import User
from apps.projects.members import add_member
from apps.projects.models import Invitation, Membership, Project
from tests.conftest import ClientOf, make_person
from tests.programs import Program
from tests.projects.conftest import row_of
from tests.queries import cost_of

Role = Membership.Role
MEMBERS = "/api/v1/projects/cardiac-mr/members/"
INVITATIONS = "/api/v1/projects/cardiac-mr/invitations/"


@pytest.fixture
def hers(project: Project, alice: User) -> Program:
    return Program(alice)


def test_the_members_are_listed_and_searched(hers: Program, bob: User) -> None:
    found = hers.get(MEMBERS).json()
    assert found["count"] == 3
    assert [(one["name"], one["role"], one["may_export"]) for one in found["results"]] == [
        ("Alice", "owner", True),
        ("Bob", "member", False),
        ("Vera", "viewer", False),
    ]
    assert hers.get(f"{MEMBERS}?q=bob&role=member").json()["results"][0]["email"] == bob.email
    assert hers.get(f"{MEMBERS}?role=king").status_code == 422


def test_a_role_and_the_right_to_export_are_changed(hers: Program, bob: User) -> None:
    answer = hers.patch(f"{MEMBERS}{row_of(bob).pk}/", {"role": "viewer", "may_export": True})
    assert (answer.status_code, answer.json()["role"], answer.json()["may_export"]) == (200, "viewer", True)
    assert (row_of(bob).role, row_of(bob).may_export) == (Role.VIEWER, True)


@pytest.mark.parametrize(
    ("wish", "status", "sentence"),
    [
        ({"role": "king"}, 422, "not a valid choice"),
        ({}, 422, "Give a role"),
        ({"user": 1, "role": "owner"}, 422, "'user': There is no such field here."),
        ([], 422, "Invalid data"),
        ({"role": "owner", "may_export": False}, 409, "Owners may always export"),
    ],
)
def test_what_cannot_be_is_refused_whole(hers: Program, bob: User, wish: object, status: int, sentence: str) -> None:
    answer = hers.patch(f"{MEMBERS}{row_of(bob).pk}/", wish)
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]
    assert row_of(bob).role == Role.MEMBER


def test_the_last_owner_stays(hers: Program, alice: User) -> None:
    path = f"{MEMBERS}{row_of(alice).pk}/"
    for answer in (hers.patch(path, {"role": "member"}), hers.delete(path)):
        assert answer.status_code == 409
        assert "last owner" in answer.json()["detail"]


def test_a_member_is_removed_and_a_viewer_leaves(hers: Program, bob: User, vera: User) -> None:
    path = f"{MEMBERS}{row_of(bob).pk}/"
    assert [hers.delete(path).status_code for _ in range(2)] == [204, 404]
    assert Program(vera).delete(f"{MEMBERS}{row_of(vera).pk}/").status_code == 204
    assert Program(vera).get(MEMBERS).status_code == 404


def test_the_project_is_handed_over(hers: Program, alice: User, bob: User) -> None:
    path = f"{MEMBERS}{row_of(bob).pk}/hand-over/"
    assert hers.post(path).json()["role"] == "owner"
    assert row_of(alice).role == Role.MEMBER
    assert hers.post(path).status_code == 403


def test_somebody_is_invited_and_the_invitation_taken_back(hers: Program) -> None:
    made = hers.post(INVITATIONS, {"email": "Ida@uni.example", "name": "Ida", "role": "viewer"})
    assert made.status_code == 201
    assert (made.json()["email"], made.json()["state"], made.json()["is_open"]) == ("ida@uni.example", "waiting", True)
    assert "digest" not in made.json()
    path = f"{INVITATIONS}{made.json()['id']}/"
    assert hers.post(f"{path}resend/").status_code == 200
    assert hers.get(f"{INVITATIONS}?status=waiting&q=ida").json()["count"] == 1
    assert [hers.delete(path).status_code for _ in range(2)] == [204, 409]
    assert hers.get(path).json()["state"] == "revoked"
    assert hers.post(f"{path}resend/").status_code == 409


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"email": "bob@hospital.example"}, 409),
        ({"email": "none"}, 422),
        ({}, 422),
        ({"email": "ida@uni.example", "role": "king"}, 422),
        ({"email": "ida@uni.example", "name": "a\nb"}, 422),
        ({"email": "ida@uni.example", "status": "accepted"}, 422),
    ],
)
def test_nobody_is_invited_by_what_is_wrong(hers: Program, wish: object, status: int) -> None:
    assert hers.post(INVITATIONS, wish).status_code == status
    assert not Invitation.objects.exists()


def test_a_member_and_an_outsider_invite_nobody(project: Project, bob: User, charlie: User) -> None:
    for user, status in ((bob, 403), (charlie, 404)):
        assert Program(user).post(INVITATIONS, {"email": "ida@uni.example"}).status_code == status
        assert Program(user).get(INVITATIONS).status_code == status


def test_more_members_cost_no_more_queries(project: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    before = cost_of(client, MEMBERS)
    for number in range(10):
        add_member(project, make_person(f"p{number}"), role=Role.MEMBER, by=alice)
    assert cost_of(client, MEMBERS) == before
