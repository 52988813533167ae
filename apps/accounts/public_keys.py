"""SSH public keys as people paste them: one line of an authorized_keys file (sshd(8)), without options."""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from apps.core.validators import CONTROLS

LEAST_RSA_BITS = 3072
LONGEST = 8192
SECURITY_KEYS = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    *SECURITY_KEYS,
)
# OpenSSH and PEM: "BEGIN … PRIVATE KEY"; PuTTY: "PuTTY-User-Key-File-3" at the top and "Private-Lines" further down.
PRIVATE = re.compile("PRIVATE KEY|PuTTY-User-Key-File|^Private-(Lines|MAC|Hash)", re.IGNORECASE | re.MULTILINE)
CONTROL = re.compile(f"[{CONTROLS}]")


class KeyRefused(Exception):
    """The sentence is for the person who pasted it."""


@dataclass(frozen=True)
class PublicKey:
    """`line` is type and key, without the comment; `fingerprint` as `ssh-keygen -l` shows it."""

    key_type: str
    line: str
    fingerprint: str
    comment: str


def parse(text: str) -> PublicKey:
    """Raises KeyRefused."""
    line = text.strip()
    _refuse_what_is_no_line(line)
    key_type, body, comment = _parts(line)
    try:
        raw = base64.b64decode(body, validate=True)
        key = load_ssh_public_key(f"{key_type} {body}".encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefused("This is not a public key: it may be cut off. Copy the whole line again.") from error
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        raise KeyRefused(
            f"This RSA key has {key.key_size} bits, {LEAST_RSA_BITS} are needed: make one with ssh-keygen -t ed25519."
        )
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return PublicKey(key_type, f"{key_type} {body}", f"SHA256:{digest}", comment)


def is_private(text: str) -> bool:
    """Whether it is a private key, or a part of one: of OpenSSH, PEM or PuTTY."""
    return PRIVATE.search(text) is not None


def _refuse_what_is_no_line(line: str) -> None:
    if is_private(line):
        raise KeyRefused(
            "This is a private key: it must never leave your computer, so make a new pair now. "
            "Paste the file that ends in .pub; of PuTTYgen, what it shows as the public key for pasting."
        )
    if "\n" in line or "\r" in line:
        raise KeyRefused("This is more than one line: paste one key at a time.")
    if CONTROL.search(line.replace("\t", " ")):
        raise KeyRefused("There are control characters in it: copy the line again, from the file that ends in .pub.")
    if len(line) > LONGEST:
        raise KeyRefused(f"This is longer than any key: at most {LONGEST} characters.")


def _parts(line: str) -> tuple[str, str, str]:
    key_type, _, rest = line.replace("\t", " ").partition(" ")
    if key_type == "ssh-dss":
        raise KeyRefused("DSA keys are too weak, and servers refuse them: make one with ssh-keygen -t ed25519.")
    if key_type not in TYPES:
        if any(f" {known} " in f" {line} " for known in (*TYPES, "ssh-dss")):
            raise KeyRefused(
                "There are options before the key: paste it without them, beginning with its type, such as ssh-ed25519."
            )
        raise KeyRefused("This is not an SSH public key: it begins with its type, such as ssh-ed25519.")
    body, _, comment = rest.strip().partition(" ")
    return key_type, body, comment.strip()
