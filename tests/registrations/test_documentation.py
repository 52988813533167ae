"""What docs/approvers.md shows is run as it stands there, and its table is what the portal does."""

import os
import subprocess
from datetime import timedelta

import pytest
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.projects import granting
from apps.projects.models import Project
from apps.registrations import digest, services
from apps.registrations.models import Registration
from tests.documented import adapted, blocks
from tests.portal import REPOSITORY
from tests.registrations.conftest import Make

APPROVERS = REPOSITORY / "docs" / "approvers.md"
Status = Registration.Status


@pytest.mark.django_db(transaction=True)
def test_the_commands_work(
    approver: User, alice: User, project: Project, waiting: Make, live_server: LiveServer
) -> None:
    first, second = waiting(namespace="one"), waiting(namespace="two")
    later = project.ends_on + timedelta(days=90)
    asked = granting.ask_extension(project, ends_on=later, why="Two more scanners", by=alice)
    (script,) = blocks(__file__, APPROVERS)
    _, secret = make_token(approver, name="script", days=1)
    here = {
        "https://maia.hospital.example": live_server.url,
        "/approvals/1/approve/": f"/approvals/{first.pk}/approve/",
        "/approvals/2/reject/": f"/approvals/{second.pk}/reject/",
        "/extensions/1/grant/": f"/extensions/{asked.pk}/grant/",
        "2027-12-31": str(later),
    }
    done = subprocess.run(
        ["bash", "-c", adapted(script, here)],
        env={**os.environ, "TOKEN": secret, "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert Project.objects.get(namespace="one").allocation.granted_gpus == 1
    second.refresh_from_db()
    assert second.status == Status.REJECTED
    project.refresh_from_db()
    assert project.ends_on == later


def test_the_days_and_the_hour_are_those_of_the_portal() -> None:
    text = APPROVERS.read_text()
    days = services.JOIN_EXPIRES_AFTER_DAYS
    assert f"whose address nobody proves | {days[Status.SUBMITTED]} days" in text
    assert f"is not answered | {days[Status.CHANGES_REQUESTED]} days" in text
    assert f"no owner decides | {days[Status.EMAIL_VERIFIED]} days" in text
    assert f"at {digest.HOUR:02}:00" in text
    assert Status.EMAIL_VERIFIED not in services.EXPIRES_AFTER_DAYS
