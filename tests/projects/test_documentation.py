"""What docs/owners.md shows is taken as it stands there."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.projects.invitation_list import read
from apps.projects.models import Invitation, Project
from tests.documented import adapted, blocks, pasted
from tests.portal import REPOSITORY

OWNERS = REPOSITORY / "docs" / "owners.md"


def answers(text: str) -> Iterator[Any]:
    """What curl printed, one JSON object after another."""
    while text:
        answer, end = json.JSONDecoder().raw_decode(text)
        yield answer
        text = text[end:]


def test_the_list_is_read_as_it_is_shown(project: Project) -> None:
    (text,) = pasted(__file__, OWNERS)
    assert [(line.email, line.role, line.name, line.fault) for line in read(project, text)] == [
        ("kim.ek@uni.example", "member", "Kim Ek", ""),
        ("lo.dal@uni.example", "viewer", "Dal, Lo", ""),
        ("mo.alm@uni.example", "member", "", ""),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_commands_work(project: Project, alice: User, live_server: LiveServer) -> None:
    (script,) = blocks(__file__, OWNERS)
    _, secret = make_token(alice, name="script", days=1)
    here = adapted(script, {"https://maia.hospital.example": live_server.url})
    done = subprocess.run(
        ["bash", "-c", here],
        env={**os.environ, "TOKEN": secret, "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    members, invited, waiting = answers(done.stdout)
    assert [member["name"] for member in members["results"]] == ["Vera"]
    assert invited["email"] == Invitation.objects.get().email == "kim.ek@uni.example"
    assert waiting["count"] == 1
