"""What people do at Keycloak and in their workspace, as steps that tests share."""

import base64
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.peers.kubernetes import Kubernetes

Look = Callable[[Page, str], None]
PASSWORD = "correct horse battery 9"
INVITATION = r"/realms/\S+/login-actions/action-token\?\S+"


def unseen(page: Page, name: str) -> None:
    """For who keeps no pictures."""


def sign_in_at_keycloak(page: Page, email: str, password: str = PASSWORD, *, look: Look = unseen) -> None:
    """From the portal's sign-in page to Keycloak's form, and back. `look` is shown the form."""
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with Keycloak").click()
    expect(page.locator("#username")).to_be_visible()
    look(page, "sign-in at Keycloak")
    page.locator("#username").fill(email)
    page.locator("#password").fill(password)
    page.locator("#kc-login").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")


def accept_invitation(page: Page, link: str, *, look: Look = unseen) -> None:
    """Keycloak's mail proves the address, and asks for a password. `look` is shown both pages."""
    page.goto(link)
    look(page, "mail of Keycloak")
    page.get_by_role("link", name=re.compile("proceed")).click()
    expect(page.locator("#password-new")).to_be_visible()
    look(page, "password at Keycloak")
    page.locator("#password-new").fill(PASSWORD)
    page.locator("#password-confirm").fill(PASSWORD)
    page.locator("[type=submit]").first.click()
    expect(page.locator("body")).to_contain_text("account has been updated")


def make_key(folder: Path) -> Path:
    """A new pair of SSH keys without a pass phrase: the private one; the public one lies beside it as `.pub`."""
    path = folder / "id_ed25519"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ida@laptop", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def add_key(page: Page, key: Path) -> None:
    page.goto("/account/")
    page.get_by_label("Public key").fill(key.with_suffix(".pub").read_text())
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_role("main")).to_contain_text("SHA256:")


def orthanc_of(cluster: Kubernetes, namespace: str) -> tuple[str, tuple[str, str]]:
    """Its HTTP root, and the portal's user and password there."""
    users = cluster.read("secret", "orthanc", "-n", namespace)["data"]["users.json"]
    (access, *_) = json.loads(base64.b64decode(users))["RegisteredUsers"].items()
    address = cluster.read("service", "orthanc", "-n", namespace)["spec"]["clusterIP"]
    return f"http://{address}:8042", access


def by_ssh(command: str, key: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Does what the page's command says, with this key, and runs `words` there."""
    program, *address = command.split()
    assert program == "ssh"
    whole = [program, *lax(key), *address, *words]
    return subprocess.run(whole, capture_output=True, text=True, timeout=30, check=False)


def lax(key: Path) -> list[str]:
    """Options of `ssh`: with this key, and believing whoever answers."""
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "ConnectTimeout=5"]
    return ["-i", str(key), *(part for option in (*options, "LogLevel=ERROR") for part in ("-o", option))]
