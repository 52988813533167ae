"""The API answers as its OpenAPI document says, whatever is sent to it: requests made from the document, sent to a
portal that is running."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.urls import reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.portal import ADMINISTRATOR, running_portal

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
SECONDS = 90
pytestmark = pytest.mark.attacks


def test_the_document_is_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    validate_schema(SchemaGenerator().get_schema(public=True))
    assert not GENERATOR_STATS, capsys.readouterr().err


@pytest.mark.timeout(300)
def test_the_api_keeps_its_promises(tmp_path: Path) -> None:
    with running_portal(tmp_path / "var") as portal:
        token = portal.manage("api_token", ADMINISTRATOR)
        run = subprocess.run(
            [
                Path(sys.executable).parent / "schemathesis",
                *("run", portal.url + reverse("schema"), "--header", f"Authorization: Bearer {token}"),
                *("--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--continue-on-failure"),
                *("--max-time", str(SECONDS), "--seed", "1", "--no-color"),
                *("--suppress-health-check", "all", "--warnings", "off"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout
    assert "No issues found" in run.stdout
