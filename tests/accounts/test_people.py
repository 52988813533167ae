"""What administrators do with the accounts of others: find, give a role, close, open, sign out."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import identities, people, services
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.audit.services import changed
from apps.core.models import Mail
from apps.projects.models import Membership
from tests.conftest import ClientOf, make_person
from tests.queries import cost_of

Role = User.PlatformRole


def listed(client: Client, **asked: str) -> list[str]:
    return [person.name for person in client.get(reverse("people:people"), asked).context["page"]]


def act(client: Client, verb: str, person: User, **fields: str) -> str:
    return client.post(reverse(f"people:{verb}", args=[person.pk]), fields, follow=True).text


def test_people_are_found_by_words_role_and_state(
    admin: User, alice: User, approver: User, support: User, client_of: ClientOf
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False, affiliation="Karolinska Institutet")
    client = client_of(admin)
    assert listed(client) == ["Admin", "Alice", "Anna", "Sven"]
    assert listed(client, q="karolinska ali") == ["Alice"]
    assert listed(client, role="approver") == ["Anna"]
    assert listed(client, state="deactivated") == ["Alice"]
    assert listed(client, role="emperor") == ["Admin", "Alice", "Anna", "Sven"]
    assert "Nobody fits" in client.get(reverse("people:people"), {"q": "nobody"}).text


def test_the_list_costs_the_same_for_more_people(admin: User, client_of: ClientOf) -> None:
    client, address = client_of(admin), reverse("people:people")
    before = cost_of(client, address)
    for number in range(10):
        make_person(f"person{number}")
    assert cost_of(client, address) == before


def test_a_person_is_shown_with_what_the_account_has(
    admin: User, support: User, alice: User, client_of: ClientOf
) -> None:
    services.make_token(alice, name="nightly", days=1)
    address = reverse("people:person", args=[alice.pk])
    page = client_of(admin).get(address).text
    assert alice.email in page
    assert "<dt>API tokens</dt><dd>1</dd>" in page
    assert "nightly" not in page
    assert "Deactivate" in page
    assert "Deactivate" not in client_of(support).get(address).text


def test_the_projects_of_a_person_are_listed(admin: User, bob: User, project: object, client_of: ClientOf) -> None:
    page = client_of(admin).get(reverse("dashboard:projects_of_person", args=[bob.pk])).text
    assert "cardiac-mr" in page
    assert "Member" in page


def test_the_only_owner_of_a_project_is_called_so(
    admin: User, alice: User, bob: User, project: object, client_of: ClientOf
) -> None:
    address = reverse("dashboard:projects_of_person", args=[alice.pk])
    client = client_of(admin)
    assert "the only owner" in client.get(address).text
    Membership.objects.filter(user=bob).update(role=Membership.Role.OWNER)
    assert "the only owner" not in client.get(address).text
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert "the only owner" in client.get(address).text


def test_a_role_is_given_and_taken_and_told(admin: User, alice: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    assert "The role is changed." in act(client, "give_role", alice, role="approver")
    assert "It was so already." in act(client, "give_role", alice, role="approver")
    alice.refresh_from_db()
    assert alice.may_approve
    act(client, "give_role", alice, role="none")
    alice.refresh_from_db()
    assert not alice.may_approve
    changes = Entry.objects.filter(action="account.platform_role", subject_pk=alice.pk, actor_pk=admin.pk)
    assert [entry.detail for entry in changes.order_by("pk")] == [
        {"role": changed("", "approver")},
        {"role": changed("approver", "")},
    ]
    assert ["approver of the platform" in mail.text for mail in Mail.objects.filter(to=alice.email).order_by("pk")] == [
        True,
        False,
    ]


@pytest.mark.parametrize("role", ["owner", "Administrator", ""])
def test_a_role_that_there_is_not_is_refused(admin: User, alice: User, client_of: ClientOf, role: str) -> None:
    assert "role_error" in act(client_of(admin), "give_role", alice, role=role)
    alice.refresh_from_db()
    assert alice.platform_role == ""


def test_who_is_deactivated_is_out_at_once_and_comes_back_whole(admin: User, alice: User, client_of: ClientOf) -> None:
    hers, client = client_of(alice), client_of(admin)
    _, secret = services.make_token(alice, name="nightly", days=1)
    assert "is deactivated" in act(client, "deactivate", alice)
    assert hers.get(reverse("accounts:account")).status_code == 302
    assert services.use_token(secret) is None
    assert "It was so already." in act(client, "deactivate", alice)
    assert "is active again" in act(client, "activate", alice)
    assert services.use_token(secret) is not None
    assert hers.get(reverse("accounts:account")).status_code == 302, "a session that has ended stays so"
    assert list(Mail.objects.filter(to=alice.email).order_by("pk").values_list("subject", flat=True)) == [
        "Your account is deactivated",
        "Your account is active again",
    ]
    actions = Entry.objects.filter(subject_pk=alice.pk, actor_pk=admin.pk).order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["account.deactivated", "account.activated"]


def test_signing_somebody_out_ends_all_sessions(admin: User, alice: User, client_of: ClientOf) -> None:
    browsers = [client_of(alice), client_of(alice)]
    act(client_of(admin), "sign_out", alice)
    assert [browser.get(reverse("accounts:account")).status_code for browser in browsers] == [302, 302]
    assert Entry.objects.filter(action="account.signed_out_everywhere", actor_pk=admin.pk).exists()
    assert Mail.objects.get(to=alice.email).subject == "You were signed out everywhere"


@pytest.mark.parametrize(("verb", "fields"), [("give_role", {"role": "none"}), ("deactivate", {})])
def test_nobody_changes_the_own_account(admin: User, client_of: ClientOf, verb: str, fields: dict[str, str]) -> None:
    client = client_of(admin)
    assert "Deactivate<" not in client.get(reverse("people:person", args=[admin.pk])).text
    assert "This is your own account" in act(client, verb, admin, **fields)
    admin.refresh_from_db()
    assert (admin.is_administrator, admin.is_active) == (True, True)


def test_who_is_administrator_by_a_group_is_changed_there(admin: User, alice: User, client_of: ClientOf) -> None:
    identity = identities.connect(alice, issuer="https://issuer.example", subject="alice")
    identities.note_reading(identity, [identities.ADMINISTRATORS], is_enabled=True, read_at=timezone.now())
    client = client_of(admin)
    assert "by a group in Keycloak" in client.get(reverse("people:person", args=[alice.pk])).text
    assert "change it there" in act(client, "give_role", alice, role="none")
    alice.refresh_from_db()
    assert alice.is_administrator


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_take_the_role_from_each_other_leave_one() -> None:
    pair = [make_person(name, Role.ADMINISTRATOR) for name in ("ada", "bea")]
    start, refused = threading.Barrier(2), []

    def take(by: User, other: User) -> None:
        start.wait()
        try:
            people.give_role(other, Role.NONE, by=by)
        except people.NoAdministrator as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=turn) for turn in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.objects.filter(platform_role=Role.ADMINISTRATOR).count() == 1
    assert len(refused) == 1
