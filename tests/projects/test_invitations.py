"""Inviting by e-mail: a private link for two weeks, answered by the person with the address alone."""

import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from apps.accounts import terms
from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.invitations import Invitee, accept, invite
from apps.projects.members import TakesNobody
from apps.projects.models import Invitation, Membership, MembershipChange, Project
from apps.provisioning import members as ledger
from tests.accounts.keycloak_mode import use_keycloak
from tests.conftest import PASSWORD, ClientOf
from tests.queries import cost_of

Role = Membership.Role
PAGE = "/projects/cardiac-mr/members/"
IDA = {"email": "Ida.Berg@uni.example", "role": "member", "name": "Ida Berg"}
NEWCOMER = {"name": "Ida Berg", "affiliation": "Uppsala University", "terms": "on"}


def link() -> str:
    """The link in the newest mail."""
    found = re.search(r"/invitations/\S+", Mail.objects.latest("pk").text)
    assert found
    return found[0]


def invited(project: Project, by: User, email: str = "ida.berg@uni.example") -> tuple[Invitation, str]:
    return invite(project, Invitee(email, Role.MEMBER, "Ida Berg"), by=by), link()


def test_an_owner_invites_somebody(project: Project, alice: User, client_of: ClientOf) -> None:
    shown = client_of(alice).post(f"{PAGE}invite/", IDA, follow=True).content.decode()
    assert "ida.berg@uni.example is invited" in shown
    invitation, mail = Invitation.objects.get(), Mail.objects.get()
    assert (invitation.role, invitation.invited_by, invitation.is_open) == (Role.MEMBER, alice, True)
    assert mail.to == "ida.berg@uni.example"
    assert mail.subject == "Alice invites you to the project Cardiac mr"
    assert "to be a member of the project" in mail.text
    token = link().split("/")[2]
    assert token not in str(Invitation.objects.values().get())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"email": "bob@hospital.example"}, "Bob is in this project already"),
        ({"email": "no address"}, "Enter a valid email address"),
        ({"email": ""}, "This field is required"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "Enter a valid email address"),
        ({"role": "administrator"}, "Select a valid choice"),
        ({"name": "Ida\u202egreb"}, "Write this on one line"),
        ({"name": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    project: Project, alice: User, client_of: ClientOf, changed: dict[str, str], sentence: str
) -> None:
    shown = client_of(alice).post(f"{PAGE}invite/", {**IDA, **changed}).content.decode()
    assert sentence in shown
    assert not Invitation.objects.exists()
    assert not Mail.objects.exists()


def test_nobody_is_invited_twice(project: Project, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    client.post(f"{PAGE}invite/", IDA)
    assert "is invited already" in client.post(f"{PAGE}invite/", IDA).content.decode()
    assert Mail.objects.count() == 1


def test_a_new_person_accepts_and_sets_a_password(project: Project, alice: User) -> None:
    invitation, path = invited(project, alice)
    visitor = Client()
    shown = visitor.get(path).content.decode()
    assert "Alice (alice@hospital.example) invites you to be a member" in shown
    answer = visitor.post(f"{path}accept/", NEWCOMER)
    assert answer["Location"].startswith("http://")
    assert "/account/password/reset/key/" in answer["Location"]
    user = User.objects.get(email="ida.berg@uni.example")
    assert (user.name, user.affiliation, user.has_usable_password()) == ("Ida Berg", "Uppsala University", False)
    assert Membership.objects.get(user=user).role == Role.MEMBER
    invitation.refresh_from_db()
    assert (invitation.status, invitation.terms_version) == (Invitation.Status.ACCEPTED, terms.VERSION)
    assert invitation.terms_accepted_at
    ledger.sweep()
    assert "Alice has made you a member" in Mail.objects.get(subject__startswith="You are in").text
    assert "It was accepted" in Client().get(path).content.decode()


@pytest.mark.parametrize("missing", ["name", "affiliation", "terms"])
def test_a_new_person_gives_a_name_and_accepts_the_terms(project: Project, alice: User, missing: str) -> None:
    _, path = invited(project, alice)
    answer = Client().post(f"{path}accept/", {**NEWCOMER, missing: ""})
    assert answer.status_code == 200
    assert 'class="field-error"' in answer.content.decode()
    assert not User.objects.filter(email="ida.berg@uni.example").exists()


def test_a_form_gives_nobody_another_address_or_role(project: Project, alice: User) -> None:
    _, path = invited(project, alice)
    for smuggled in ({"email": "x@y.example"}, {"role": "owner"}, {"platform_role": "administrator"}):
        assert "This form has no field" in Client().post(f"{path}accept/", {**NEWCOMER, **smuggled}).text
    assert not User.objects.filter(email__in=("ida.berg@uni.example", "x@y.example")).exists()
    Client().post(f"{path}accept/", NEWCOMER)
    user = User.objects.get(email="ida.berg@uni.example")
    assert (Membership.objects.get(user=user).role, user.platform_role) == (Role.MEMBER, "")


def test_somebody_with_an_account_signs_in_first_and_then_accepts(
    project: Project, alice: User, charlie: User, client_of: ClientOf
) -> None:
    invitation, path = invited(project, alice, charlie.email)
    visitor = Client()
    assert "You have an account with this address" in visitor.get(path).content.decode()
    shown = visitor.post(f"{path}accept/", NEWCOMER, follow=True).content.decode()
    assert "sign in to accept" in shown
    assert not Membership.objects.filter(user=charlie).exists()
    signed_in = visitor.post("/account/login/", {"login": charlie.email, "password": PASSWORD, "next": path})
    assert signed_in["Location"] == path
    assert "You are in Cardiac mr now" in visitor.post(f"{path}accept/", follow=True).content.decode()
    assert Membership.objects.get(user=charlie).role == Role.MEMBER
    change = MembershipChange.objects.get()
    assert (change.action, change.asked_by) == ("join", alice)
    invitation.refresh_from_db()
    assert invitation.status == Invitation.Status.ACCEPTED


@pytest.mark.attacks
def test_somebody_else_accepts_and_declines_nothing(
    project: Project, alice: User, charlie: User, client_of: ClientOf
) -> None:
    invitation, path = invited(project, alice)
    client = client_of(charlie)
    for answer in (client.get(path), client.post(f"{path}accept/", NEWCOMER), client.post(f"{path}decline/")):
        assert "you are signed in as charlie@hospital.example" in answer.content.decode()
    invitation.refresh_from_db()
    assert invitation.is_open
    assert not Membership.objects.filter(user=charlie).exists()
    with pytest.raises(ValueError, match="person with its address"):
        accept(invitation, by=charlie)


def test_declining_ends_it(project: Project, alice: User) -> None:
    _, path = invited(project, alice)
    visitor = Client()
    assert Mail.objects.filter(to=alice.email).count() == 0
    assert "It was declined" in visitor.post(f"{path}decline/", follow=True).content.decode()
    assert "This invitation was declined" in visitor.post(f"{path}accept/", NEWCOMER, follow=True).content.decode()
    assert not User.objects.filter(email="ida.berg@uni.example").exists()
    assert "has declined your invitation" in Mail.objects.get(to=alice.email).subject


def test_after_two_weeks_it_is_out_of_date_until_it_is_sent_again(
    project: Project, alice: User, client_of: ClientOf
) -> None:
    invitation, path = invited(project, alice)
    assert timedelta(days=13) < invitation.expires_at - timezone.now() < timedelta(days=15)
    past = timezone.now() - timedelta(days=1)
    Invitation.objects.update(expires_at=past, sent_at=past - timedelta(days=14))
    assert "Its time is over" in Client().get(path).content.decode()
    assert "is out of date" in Client().post(f"{path}accept/", NEWCOMER, follow=True).content.decode()
    client = client_of(alice)
    assert "Out of date" in client.get(f"{PAGE}invitations/").content.decode()
    resend = f"{PAGE}invitations/{invitation.pk}/resend/"
    assert "gets a new link" in client.post(resend, follow=True).content.decode()
    assert "less than a minute ago" in client.post(resend, follow=True).content.decode()
    assert Mail.objects.count() == 2
    assert Client().get(path).status_code == 404
    assert Client().post(f"{link()}accept/", NEWCOMER).status_code == 302
    assert Membership.objects.filter(user__email="ida.berg@uni.example").exists()


def test_what_is_taken_back_opens_nothing(project: Project, alice: User, client_of: ClientOf) -> None:
    invitation, path = invited(project, alice)
    client, revoke = client_of(alice), f"{PAGE}invitations/{invitation.pk}/revoke/"
    assert "is taken back" in client.post(revoke, follow=True).content.decode()
    assert "was taken back" in client.post(revoke, follow=True).content.decode()
    assert "It was taken back" in Client().get(path).content.decode()
    assert "was taken back" in Client().post(f"{path}accept/", NEWCOMER, follow=True).content.decode()
    assert not Membership.objects.filter(user__email="ida.berg@uni.example").exists()
    resend = f"{PAGE}invitations/{invitation.pk}/resend/"
    assert "was taken back" in client.post(resend, follow=True).content.decode()
    assert Mail.objects.count() == 1


def test_who_came_in_another_way_keeps_that_role(project: Project, alice: User, bob: User) -> None:
    Membership.objects.filter(user=bob).delete()
    invitation, _ = invited(project, alice, bob.email)
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    accept(invitation, by=bob)
    assert Membership.objects.get(user=bob).role == Role.VIEWER


@pytest.mark.attacks
@pytest.mark.parametrize("token", ["x", "0" * 43, "a.b.c", "%00"])
def test_a_link_that_nobody_was_sent_is_no_page(project: Project, token: str) -> None:
    for method, tail in (("get", ""), ("post", "accept/"), ("post", "decline/")):
        assert getattr(Client(), method)(f"/invitations/{token}/{tail}").status_code == 404


def test_a_project_that_takes_nobody_in_says_so(project: Project, alice: User, client_of: ClientOf) -> None:
    _, path = invited(project, alice)
    Project.objects.update(status=Project.Status.SUSPENDED)
    assert "Nobody can join the project now" in client_of(alice).post(f"{PAGE}invite/", IDA).content.decode()
    assert "Nobody can join" in Client().post(f"{path}accept/", NEWCOMER, follow=True).content.decode()
    assert not User.objects.filter(email="ida.berg@uni.example").exists()
    project.refresh_from_db()
    with pytest.raises(TakesNobody):
        invite(project, Invitee("x@y.example", Role.VIEWER), by=alice)


def test_in_keycloak_mode_a_new_person_is_led_to_keycloaks_mail(
    project: Project, alice: User, settings: LazySettings
) -> None:
    use_keycloak(settings, KEYCLOAK_URL="https://keycloak.hospital.example")
    _, path = invited(project, alice)
    shown = Client().post(f"{path}accept/", NEWCOMER, follow=True).content.decode()
    assert "Sign in with Keycloak" in shown
    assert Membership.objects.filter(user__email="ida.berg@uni.example").exists()


def test_more_invitations_cost_no_more_queries(project: Project, alice: User, client_of: ClientOf) -> None:
    client, path = client_of(alice), f"{PAGE}invitations/"
    assert "Nobody was invited yet" in client.get(path).content.decode()
    invited(project, alice)
    addresses = (path, "/api/v1/projects/cardiac-mr/invitations/")
    before = [cost_of(client, address) for address in addresses]
    for number in range(60):
        invited(project, alice, f"p{number}@uni.example")
    assert [cost_of(client, address) for address in addresses] == before
    assert "1–50 of 61" in client.get(path).content.decode()
    assert "1 invitation found" in client.get(path, {"q": "p59@"}).content.decode()
    assert "No invitation fits" in client.get(path, {"status": "declined"}).content.decode()
