"""Decisions, withdrawals and proofs in the same instant: one counts."""

from functools import partial

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.models import Ledger, Mail
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.registrations import links, namespaces, services
from apps.registrations.models import Registration
from tests.conftest import ClientOf, make_person
from tests.racing import at_once
from tests.registrations.conftest import Make
from tests.registrations.console import admit, approve

Status = Registration.Status


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_twenty_simultaneous_approvals_one_counts(bells: list[str], waiting: Make) -> None:
    registration = waiting()
    approvers = [make_person(f"approver{number}", User.PlatformRole.APPROVER) for number in range(20)]
    clients = [Client() for _ in approvers]
    for client, approver in zip(clients, approvers, strict=True):
        client.force_login(approver)
    pages: list[str] = []

    def decide(client: Client) -> None:
        pages.append(approve(client, registration))

    at_once(*[partial(decide, client) for client in clients])
    assert sum("Approved. The portal is setting" in page for page in pages) == 1
    assert sum("Already approved by Approver" in page for page in pages) == 19
    registration.refresh_from_db()
    assert registration.status == Status.PROVISIONED
    assert Project.objects.count() == Ledger.objects.count() == Membership.objects.count() == 1
    assert Mail.objects.filter(to=registration.email, subject__contains="is set up").count() == 1
    assert Project.objects.get().archives.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_requests_for_one_namespace_or_its_look_alikes_proved_at_once_one_holds_it(
    monkeypatch: pytest.MonkeyPatch, submitted: Make
) -> None:
    find_all_free(monkeypatch)
    alike = ["prostate-o1", "prostate-o1", "prostate-01", "prostate-ol", "pr0state-oi"]
    rows = [submitted(email=f"{number}@uni.example", namespace=name) for number, name in enumerate(alike)]
    at_once(*[partial(services.confirm_address, row) for row in rows])
    states = sorted(Registration.objects.values_list("status", "reserved_skeleton"))
    assert states == [(Status.CHANGES_REQUESTED, "")] * 4 + [(Status.EMAIL_VERIFIED, "pr0state-01")]
    sent_back = Registration.objects.filter(status=Status.CHANGES_REQUESTED).first()
    assert "has been taken meanwhile" in sent_back.events().last().why


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_names_that_read_alike_approved_at_once_one_becomes_a_project(
    monkeypatch: pytest.MonkeyPatch, waiting: Make, approver: User, admin: User, client_of: ClientOf
) -> None:
    """The requests are from before names were held against their look-alikes."""
    find_all_free(monkeypatch)
    rows = []
    for name in ("modern-mr", "modem-mr"):
        rows.append(waiting(namespace=name, email=f"{name}@uni.example"))
        Registration.objects.update(reserved_skeleton="")
    clients, pages = [client_of(approver), client_of(admin)], list[str]()
    at_once(
        *[
            lambda client=client, row=row: pages.append(approve(client, row))
            for client, row in zip(clients, rows, strict=True)
        ]
    )
    assert sum("Approved. The portal is setting" in page for page in pages) == 1
    assert sum("has been taken meanwhile" in page for page in pages) == 1
    assert Project.objects.count() == 1
    statuses = sorted(Registration.objects.values_list("status", flat=True))
    assert statuses == [Status.APPROVED, Status.EMAIL_VERIFIED]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["join", "new project"])
def test_an_approval_racing_a_withdrawal_has_one_winner(
    bells: list[str], kind: str, joining: Make, waiting: Make, client_of: ClientOf, alice: User, approver: User
) -> None:
    registration = joining() if kind == "join" else waiting()
    decider = client_of(alice if kind == "join" else approver)
    decide = admit if kind == "join" else approve
    at_once(
        lambda: decide(decider, registration),
        lambda: Client().post(f"{links.path_of(registration)}withdraw/"),
    )
    registration.refresh_from_db()
    is_in = Membership.objects.filter(user__email=registration.email).exists()
    outcomes = set(registration.events().values_list("to_status", flat=True))
    assert len(outcomes & {Status.APPROVED, Status.WITHDRAWN}) == 1
    assert is_in == (Status.APPROVED in outcomes)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_owners_who_admit_at_once_one_counts(bells: list[str], project: Project, joining: Make) -> None:
    registration = joining()
    owners = [make_person(f"owner{number}") for number in range(10)]
    clients = [Client() for _ in owners]
    for client, owner in zip(clients, owners, strict=True):
        ensure_member(project, owner, role=Membership.Role.OWNER)
        client.force_login(owner)
    pages: list[str] = []

    def decide(client: Client) -> None:
        pages.append(admit(client, registration))

    at_once(*[partial(decide, client) for client in clients])
    assert sum("Approved. The requester is in the project" in page for page in pages) == 1
    assert sum("Already approved by Owner" in page for page in pages) == 9
    assert Membership.objects.filter(user__email=registration.email).count() == 1


def find_all_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """As all see it who look in the same instant: only the database can tell."""
    monkeypatch.setattr(namespaces, "is_free", lambda *_, **__: True)
