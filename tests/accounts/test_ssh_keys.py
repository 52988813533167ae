"""SSH public keys: what is taken, what is refused and why, and that they are one's own."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from django.urls import reverse

from apps.accounts.models import SshKey, User
from apps.accounts.public_keys import parse
from apps.accounts.selectors import authorized_keys
from apps.audit.models import Entry
from apps.core.models import Mail
from tests.conftest import ClientOf

# OpenSSH keeps these on a security key; the point is only that the format is known.
SECURITY_KEY = (
    "sk-ssh-ed25519@openssh.com "
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIFJ4ZzkpTPx0cQ5vFcJqWzr5kX8wAAAAAAAAAAAAAAAAAAAABHNzaDo= ida@token"
)
DSA = "ssh-dss AAAAB3NzaC1kc3MAAACBAP1/U4EddRIpUt9KnC7s5Of2EbdSPO9EAMMeP4C2USZpRV1AIlH7WT2NWPq/xfW6MPbLm1Vs ida"

# What PuTTYgen saves, of numbers that are no key.
PUTTY = """PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: ida@laptop
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIFJ4ZzkpTPx0cQ5vFcJqWzr5kX8wAAAAAAAAAAAA
AAAAAAAA
Private-Lines: 1
AAAAIHJ1bGVycyBvZiB0aGUgd2F2ZXMgYW5kIHRoZSB3aW5k
Private-MAC: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
"""


def make_pair(folder: Path, key_type: str = "ed25519", bits: str = "", comment: str = "ida@laptop") -> Path:
    """The file of the private key; the public one is beside it."""
    path = folder / f"{key_type}{bits}"
    size = ["-b", bits] if bits else []
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", key_type, *size, "-C", comment, "-f", path], check=True)
    return path


def public(path: Path) -> str:
    return path.with_suffix(".pub").read_text()


def add(client: Client, text: str, name: str = "") -> str:
    return client.post(reverse("accounts:add_ssh_key"), {"public_key": text, "name": name}, follow=True).text


@pytest.mark.parametrize(
    ("key_type", "bits"), [("ed25519", ""), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "3072")]
)
def test_keys_are_read_as_openssh_does(tmp_path: Path, key_type: str, bits: str) -> None:
    path = make_pair(tmp_path, key_type, bits)
    key = parse(public(path))
    listed = subprocess.run(["ssh-keygen", "-l", "-f", path], capture_output=True, text=True, check=True).stdout
    assert key.fingerprint in listed.split()
    assert (key.line, key.comment) == (" ".join(public(path).split()[:2]), "ida@laptop")


def test_a_key_is_added_shown_and_removed(tmp_path: Path, alice: User, client_of: ClientOf) -> None:
    client, path = client_of(alice), make_pair(tmp_path)
    page = add(client, public(path))
    key = SshKey.objects.get()
    assert key.name == "ida@laptop"
    assert key.fingerprint in page
    told = Mail.objects.get(to=alice.email)
    assert told.subject == "An SSH key was added to your account"
    for said in ('"ida@laptop"', key.fingerprint, "from 127.0.0.1", "If it was not you", reverse("accounts:account")):
        assert said in told.text
    assert authorized_keys(alice) == [" ".join(public(path).split()[:2])]
    client.post(reverse("accounts:remove_ssh_key", args=[key.pk]))
    assert authorized_keys(alice) == []
    actions = Entry.objects.filter(actor_pk=alice.pk, action__startswith="ssh_key.").values_list("action", flat=True)
    assert list(actions) == ["ssh_key.added", "ssh_key.removed"]


def wire(*fields: bytes) -> str:
    """A public key as it is sent (RFC 4251 5): each field after its length, in base64."""
    return base64.b64encode(b"".join(len(field).to_bytes(4, "big") + field for field in fields)).decode()


def ecdsa_security_key() -> str:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key_type = "sk-ecdsa-sha2-nistp256@openssh.com"
    return f"{key_type} {wire(key_type.encode(), b'nistp256', raw, b'ssh:')} ida@token"


@pytest.mark.parametrize("line", [SECURITY_KEY, ecdsa_security_key()], ids=["ed25519", "ecdsa"])
def test_a_security_key_is_taken(alice: User, client_of: ClientOf, line: str) -> None:
    add(client_of(alice), line, name="token")
    assert SshKey.objects.get().name == "token"


@pytest.mark.attacks
@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda line: f'command="rm -rf /" {line}', "options before the key"),
        (lambda line: f"no-pty,from=10.0.0.0/8 {line}", "options before the key"),
        (lambda line: f"{line}\n{line}", "more than one line"),
        (lambda line: f"{line}\r{line}", "more than one line"),
        (lambda line: f"{line} \x1b[2J", "control characters"),
        (lambda line: f"{line} a\x85b", "control characters"),
        (lambda line: f"{line} a\u202eb", "control characters"),
        (lambda line: line.replace("ssh-ed25519 ", "ssh-rsa ", 1), "not a public key"),
        (lambda line: line[:40], "not a public key"),
        (lambda line: "ssh-ed25519 AAAA====", "not a public key"),
        (lambda line: "hello", "not an SSH public key"),
        (lambda line: "ssh-ed25519", "not a public key"),
        (lambda line: line + "x" * 9000, "longer than any key"),
        (lambda line: DSA, "DSA keys are too weak"),
    ],
)
def test_what_is_no_plain_key_is_refused(
    tmp_path: Path, alice: User, client_of: ClientOf, spoil: Callable[[str], str], sentence: str
) -> None:
    assert sentence in add(client_of(alice), spoil(public(make_pair(tmp_path)).strip()))
    assert not SshKey.objects.exists()


@pytest.mark.attacks
@pytest.mark.parametrize(("key_type", "bits"), [("ed25519", ""), ("rsa", "3072")])
def test_a_private_key_is_refused_and_not_shown_again(
    tmp_path: Path, alice: User, client_of: ClientOf, key_type: str, bits: str
) -> None:
    secret = make_pair(tmp_path, key_type, bits).read_text()
    page = add(client_of(alice), secret)
    assert "must never leave your computer" in page
    assert secret.splitlines()[1] not in page


@pytest.mark.attacks
@pytest.mark.parametrize("first_line", [0, 4], ids=["whole", "from the middle"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_private_key_of_putty_is_refused_and_not_shown_again(
    alice: User, client_of: ClientOf, first_line: int, end: str
) -> None:
    lines = PUTTY.splitlines()[first_line:]
    page = add(client_of(alice), end.join(lines))
    assert "must never leave your computer" in page
    assert "AAAAIHJ1bGVycyBvZiB0aGUgd2F2ZXMgYW5kIHRoZSB3aW5k" not in page
    assert not SshKey.objects.exists()


def test_lines_that_may_be_of_a_private_key_are_not_shown_again(alice: User, client_of: ClientOf) -> None:
    page = add(client_of(alice), "c2VjcmV0c2VjcmV0c2VjcmV0\nc2VjcmV0c2VjcmV0c2VjcmV1")
    assert "more than one line" in page
    assert "c2VjcmV0" not in page


def test_a_short_rsa_key_is_refused(tmp_path: Path, alice: User, client_of: ClientOf) -> None:
    assert "2048 bits, 3072 are needed" in add(client_of(alice), public(make_pair(tmp_path, "rsa", "2048")))


def test_a_key_is_added_once(tmp_path: Path, alice: User, bob: User, client_of: ClientOf) -> None:
    path = make_pair(tmp_path)
    add(client_of(alice), public(path))
    assert "added this key already" in add(client_of(alice), public(path).replace("ida@laptop", "another"))
    add(client_of(bob), public(path))
    assert SshKey.objects.count() == 2


def test_nobody_removes_anothers_key(tmp_path: Path, alice: User, bob: User, client_of: ClientOf) -> None:
    add(client_of(alice), public(make_pair(tmp_path)))
    answer = client_of(bob).post(reverse("accounts:remove_ssh_key", args=[SshKey.objects.get().pk]))
    assert answer.status_code == 404
    assert authorized_keys(alice)
