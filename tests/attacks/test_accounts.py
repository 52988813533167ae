"""Links in mails, redirects and bodies that are not what the portal's own pages send."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.models import Project
from tests.conftest import ClientOf

pytestmark = pytest.mark.attacks
LARGE = 2 * 1024**2


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1:1"])
def test_the_link_in_a_mail_leads_to_the_portal_whatever_host_was_asked(
    client: Client, alice: User, settings: LazySettings, host: str
) -> None:
    client.post(reverse("account_reset_password"), {"email": alice.email}, headers={"host": host})
    text = Mail.objects.get(to=alice.email).text
    assert host not in text
    link = next(line for line in text.splitlines() if "/password/reset/key/" in line)
    assert link.startswith(settings.PUBLIC_URL)
    form = client.get(link.removeprefix(settings.PUBLIC_URL), follow=True)
    assert 'name="password1"' in form.text


def test_the_mail_to_an_unknown_address_names_it(client: Client, db: None) -> None:
    client.post(reverse("account_reset_password"), {"email": "nobody@uni.example"})
    assert "a new password for nobody@uni.example" in Mail.objects.get().text


@pytest.mark.parametrize("target", ["\0", "x", "core:live", "1_000", "%", "\\", "٣", "\r\nX-Evil: 1"])
def test_no_target_of_a_redirect_breaks_the_page_or_names_a_view(client: Client, db: None, target: str) -> None:
    answer = client.post(reverse("accounts:theme"), {"theme": "dark", "next": target})
    assert answer.status_code == 302
    assert not answer["Location"].startswith("/healthz")
    assert "X-Evil" not in answer.headers


def _temporary_files(settings: LazySettings) -> list[Path]:
    return list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"))


@pytest.mark.parametrize("path", ["/account/theme/", "/projects/{namespace}/dicomweb/studies"])
def test_files_that_nobody_asked_for_are_not_read(
    alice: User, client_of: ClientOf, project: Project, settings: LazySettings, path: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    sent = {"file": SimpleUploadedFile("large.bin", bytes(LARGE))}
    answer = client.post(path.format(namespace=project.namespace), sent)
    assert answer.status_code == 400
    assert not _temporary_files(settings)


def test_large_json_is_not_read(alice: User, client_of: ClientOf, project: Project) -> None:
    body = b'{"algorithm":"' + b"x" * LARGE + b'"}'
    path = f"/api/v1/projects/{project.namespace}/runs/"
    assert client_of(alice).post(path, body, content_type="application/json").status_code == 400
