"""What an approver's page never sends."""

import pytest

from apps.accounts.models import User
from apps.projects.models import Project
from tests.conftest import ClientOf
from tests.registrations.conftest import Make, decision

pytestmark = pytest.mark.attacks


@pytest.mark.parametrize("part", ["approve/", "reject/", "changes/"])
@pytest.mark.parametrize(
    "version", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", "20260101T000000", "\0"]
)
def test_no_version_breaks_a_decision_or_lets_it_through(
    approver: User, client_of: ClientOf, waiting: Make, part: str, version: str
) -> None:
    registration = waiting()
    sent = decision(part, registration, version=version)
    answer = client_of(approver).post(f"/approvals/{registration.pk}/{part}", sent)
    assert answer.status_code in (302, 404)
    registration.refresh_from_db()
    assert registration.status == registration.Status.EMAIL_VERIFIED
    assert not Project.objects.exists()
