"""Mails of a portal without a mail server: one file each in the outbox folder."""

import os
import re
from collections.abc import Iterable, Sequence
from email import message_from_bytes, policy
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class OutboxBackend(BaseEmailBackend):
    """Writes each message whole or not at all; the same message twice is one file."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            content = message.message()
            name = re.sub(r"[^A-Za-z0-9.-]", "", str(content["Message-ID"]).split("@")[0])
            path = _path(name)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_bytes(content.as_bytes())
            temporary.replace(path)
        return len(email_messages)


def text_of(mail_pk: int) -> str | None:
    """The text of a mail in the outbox folder; None when somebody has removed it."""
    try:
        content = _path(f"mail-{mail_pk}").read_bytes()
    except FileNotFoundError:
        return None
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    return str(body.get_content()) if body else None


def forget(mail_pks: Iterable[int]) -> None:
    """Removes the files of these mails; nothing where mails go out by a server."""
    if settings.OUTBOX_DIR is not None:
        for pk in mail_pks:
            _path(f"mail-{pk}").unlink(missing_ok=True)


def _path(name: str) -> Path:
    return Path(str(settings.OUTBOX_DIR)) / f"{name}.eml"
