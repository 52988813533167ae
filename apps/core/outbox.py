"""Mails of a portal without a mail server: one file each in the outbox folder."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
            path = Path(str(settings.OUTBOX_DIR)) / f"{name}.eml"
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_bytes(content.as_bytes())
            temporary.replace(path)
        return len(email_messages)


@dataclass(frozen=True)
class OutboxMail:
    name: str
    to: str
    subject: str
    text: str
    at: datetime


def mails(limit: int = 200) -> list[OutboxMail]:
    """The newest mails in the outbox folder, newest first."""
    paths = sorted(Path(str(settings.OUTBOX_DIR)).glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [_read(path) for path in paths[:limit]]


def _read(path: Path) -> OutboxMail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    return OutboxMail(
        name=path.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=str(body.get_content()) if body else "",
        at=datetime.fromtimestamp(path.stat().st_mtime, tz=UTC),
    )
