"""Secrets that are only ever compared are kept as their hash."""

import hashlib


def digest_of(secret: str) -> str:
    """SHA-256 in hexadecimal: enough for secrets that are random and long, such as tokens, and never for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()
