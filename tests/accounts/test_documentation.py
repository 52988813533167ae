"""The commands of docs/users.md are run as they stand there."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives.services import ensure_archive
from apps.datasets.uploads.services import import_files
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from tests.dicom import ct_series
from tests.documented import STRICT, adapted
from tests.portal import REPOSITORY

USERS = REPOSITORY / "docs" / "users.md"
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)


@pytest.mark.django_db(transaction=True)
def test_the_commands_work(make_project: Any, bob: User, tmp_path: Path, live_server: LiveServer) -> None:
    text = USERS.read_text()
    assert "```" not in text
    (command,) = INDENTED.findall(text)
    series = ct_series(tmp_path, slices=1)
    project: Project = make_project("sample")
    ensure_member(project, bob, role=Membership.Role.MEMBER)
    import_files(ensure_archive(project), series.paths, by=bob)
    _, secret = make_token(bob, name="script", days=1)
    done = subprocess.run(
        ["bash", "-c", adapted(STRICT + command, {"http://127.0.0.1:8000": live_server.url})],
        env={**os.environ, "TOKEN": secret, "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (study,) = json.loads(done.stdout)
    assert study["0020000D"]["Value"] == [series.study_instance_uid]
