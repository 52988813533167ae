"""A pasted list: shown back line by line, then everybody without a fault is invited at once."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.invitation_list import read
from apps.projects.invitations import Invitee, invite
from apps.projects.models import Invitation, Membership, Project
from tests.conftest import ClientOf

Role = Membership.Role
PAGE = "/projects/cardiac-mr/members/invite-many/"
COURSE = "email,role,name\n" + "".join(f"student{n}@uni.example,viewer,Student {n}\n" for n in range(40))


def test_a_course_of_40_is_looked_through_and_then_invited(project: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    shown = client.post(PAGE, {"people": COURSE}).content.decode()
    assert "Invite 40 people" in shown
    assert shown.count("Will be invited") == 40
    assert not Invitation.objects.exists()
    for _ in range(2):
        answer = client.post(PAGE, {"people": COURSE, "confirmed": "1"}, follow=True)
    assert "Nobody was left to be invited" in answer.content.decode()
    assert Invitation.objects.filter(role=Role.VIEWER, status=Invitation.Status.WAITING).count() == 40
    assert Mail.objects.values("to").distinct().count() == Mail.objects.count() == 40


def test_only_lines_without_a_fault_are_invited(project: Project, alice: User, client_of: ClientOf) -> None:
    people = "ida@uni.example,member\nnobody\nbob@hospital.example"
    client = client_of(alice)
    shown = client.post(PAGE, {"people": people}).content.decode()
    assert "1 to be invited, 2 left out" in shown
    answer = client.post(PAGE, {"people": people, "confirmed": "1"}, follow=True).content.decode()
    assert "1 person is invited" in answer
    assert Invitation.objects.get().email == "ida@uni.example"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("ida@uni.example,member,Ida Berg", ""),
        ("IDA@Uni.Example", ""),
        ("ida@uni.example,Owner", ""),
        ("ida@uni.example;viewer;Ida", ""),
        ("ida@uni.example\tviewer\tIda", ""),
        ('ida@uni.example,member,"Berg, Ida"', ""),
        ("ida@uni.example,member,=HYPERLINK(1)", ""),
        ("ida,member", "This is no e-mail address."),
        (",member", "The e-mail address is missing."),
        ("=1+1", "This is no e-mail address."),
        ("ida@uni.example,admin", "“admin” is no role: write viewer, member or owner."),
        ("bob@hospital.example", "Is in the project already."),
        ("BOB@hospital.example", "Is in the project already."),
        ("waits@uni.example", "Is invited already."),
        (f"ida@uni.example,,{'x' * 201}", "A name has at most 200 characters."),
        ("ida@uni.example,,Ida\u202egreb", "The name has characters that cannot be shown."),
        (
            f"{'x' * 60}@{'y' * 60}.{'z' * 60}.{'w' * 60}.{'v' * 60}.example",
            "An e-mail address has at most 254 characters.",
        ),
        ('"ida@uni.example', ""),
        ('ida@uni.example,member,"Ida', ""),
    ],
)
def test_each_fault_has_its_words(project: Project, alice: User, line: str, fault: str) -> None:
    invite(project, Invitee("waits@uni.example", Role.MEMBER), by=alice)
    (found,) = read(project, line)
    assert found.fault == fault


def test_what_looks_like_a_formula_is_text(project: Project) -> None:
    (found,) = read(project, "ida@uni.example,member,=HYPERLINK(1)")
    assert found.invitee == Invitee("ida@uni.example", Role.MEMBER, "=HYPERLINK(1)")


def test_an_address_stands_once(project: Project) -> None:
    lines = read(project, "E-Mail,Role,Name\n\na@b.example\n\nA@B.example,viewer\n")
    assert [(line.number, line.fault) for line in lines] == [(3, ""), (5, "Stands in line 3 already.")]


def test_a_line_with_a_stray_quotation_mark_spoils_no_other(project: Project) -> None:
    lines = read(project, 'a@b.example,member,"A\nc@d.example,viewer,C\n')
    assert [(line.email, line.name) for line in lines] == [("a@b.example", "A"), ("c@d.example", "C")]


@pytest.mark.attacks
@pytest.mark.parametrize(
    ("people", "sentence"),
    [
        ("\n".join(f"p{n}@uni.example" for n in range(502)), "At most 500 people at once"),
        ("x" * 200_001, "at most 200000 characters"),
        ("", "This field is required"),
        ("email,role,name", "The list has a heading alone"),
    ],
)
def test_a_list_that_cannot_be_is_refused(
    project: Project, alice: User, client_of: ClientOf, people: str, sentence: str
) -> None:
    shown = client_of(alice).post(PAGE, {"people": people, "confirmed": "1"}, follow=True).content.decode()
    assert sentence in shown or "Nobody was left" in shown
    assert not Invitation.objects.exists()


@pytest.mark.attacks
def test_what_the_list_says_is_only_ever_shown_as_text(project: Project, alice: User, client_of: ClientOf) -> None:
    people = "</textarea><script>x</script>,<b>owner</b>,<i>"
    shown = client_of(alice).post(PAGE, {"people": people}).content.decode()
    assert "<script>x" not in shown
    assert "<b>owner" not in shown


def test_reading_costs_the_same_for_a_long_list(
    project: Project, django_assert_num_queries: Callable[[int], object]
) -> None:
    with django_assert_num_queries(3):  # type: ignore[attr-defined]
        assert len(read(project, "\n".join(f"p{n}@uni.example" for n in range(500)))) == 500
