"""The commands of docs/administrators.md, run as they stand there, up to the first sign-in."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings

from apps.accounts.models import User
from tests.accounts.keycloak_mode import use_keycloak
from tests.documented import adapted, blocks
from tests.peers.keycloak import Keycloak
from tests.peers.keycloak.browser import Browser
from tests.peers.keycloak.realm import Realm, remove_realm
from tests.peers.mail import Mail
from tests.peers.tools import TOOLS
from tests.portal import REPOSITORY

pytestmark = [pytest.mark.peers, pytest.mark.django_db, pytest.mark.timeout(600)]
PORTAL = "https://maia.hospital.example"
PERSON = "ida.berg@hospital.example"


def commands(keycloak: Keycloak, mail: Mail, realm: str) -> str:
    """As documented, for this machine's servers and a realm of its own."""
    here = {
        "https://keycloak.hospital.example": keycloak.url,
        "smtp://mail.hospital.example:25": mail.url,
        "--user admin": f"--user {keycloak.administrator} --password {keycloak.password}",
        "-r maia": f"-r {realm}",
        ".venv/bin/python": sys.executable,
        "realm.json": "$HOME/realm.json",
        '--new-password "$(openssl rand -base64 18)"': '--new-password "$FIRST_PASSWORD"',
    }
    return adapted("\n".join(blocks(__file__)), here) + "\necho $KEYCLOAK_CLIENT_SECRET $KEYCLOAK_SERVICE_SECRET\n"


def test_the_documented_commands_lead_to_the_first_sign_in(
    keycloak: Keycloak, mail: Mail, settings: LazySettings, tmp_path: Path
) -> None:
    name, first = f"maia-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    (home,) = [folder / "home" for folder in TOOLS.glob("keycloak-*") if folder.is_dir()][:1]
    environment = {
        **{key: value for key, value in os.environ.items() if key in ("LANG", "JAVA_HOME")},
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "VAR_DIR": str(tmp_path / "var"),
        "SECRET_KEY": "only for this test",
        "KEYCLOAK_REALM": name,
        "FIRST_PASSWORD": first,
    }
    script = commands(keycloak, mail, name)
    try:
        done = subprocess.run(
            ["bash", "-c", script], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "the service account may read people" in done.stdout
        client_secret, service_secret = done.stdout.split()[-2:]
        realm = Realm(keycloak, name, PORTAL, client_secret, service_secret)
        use_keycloak(settings, PUBLIC_URL=PORTAL, ALLOWED_HOSTS=["*"], **realm.settings)
        browser = Browser(realm)
        page = browser.open(browser.post_form(browser.begin(), PERSON, first).headers["Location"])
        browser.come_back(browser.fill_in(page, {"password-new": f"{first}!", "password-confirm": f"{first}!"}))
        assert browser.is_signed_in()
        assert User.objects.get().is_administrator
    finally:
        remove_realm(keycloak, name)
