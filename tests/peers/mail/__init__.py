"""An SMTP server on loopback that delivers nothing and keeps every mail as a file."""

import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path

from tests.peers.starting import LOOPBACK


@dataclass
class Manner:
    """How the server behaves; may be changed while it runs."""

    refused: dict[str, str] = field(default_factory=dict)  # recipient → reply
    reply_delay_seconds: float = 0


@dataclass(frozen=True)
class Mail:
    port: int
    folder: Path
    manner: Manner = field(default_factory=Manner)

    @property
    def url(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What was sent to this address, oldest first; the envelope decides, as `X-Envelope-To`."""
        paths = sorted(self.folder.glob("*.eml"))
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
        return [mail for mail in mails if address in str(mail["X-Envelope-To"]).split(", ")]

    def __str__(self) -> str:
        return f"{self.url}, mails in {self.folder}"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__((LOOPBACK, 0), _Conversation)
        self.folder = folder
        self.manner = Manner()
        self.numbers = count(1)

    def keep(self, recipients: list[str], message: bytes) -> None:
        path = self.folder / f"{next(self.numbers):06}.eml"
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(f"X-Envelope-To: {', '.join(recipients)}\r\n".encode() + message)
        unfinished.rename(path)


class _Conversation(socketserver.StreamRequestHandler):
    """RFC 5321, as much of it as Django and Keycloak speak."""

    server: _Server

    def handle(self) -> None:
        self.recipients: list[str] = []
        self._say("220 catcher")
        for line in self.rfile:
            verb, _, argument = line.decode("ascii", "replace").strip().partition(" ")
            self._say(self._answer(verb.upper(), argument))
            if verb.upper() == "QUIT":
                return

    def _answer(self, verb: str, argument: str) -> str:
        if verb in ("MAIL", "RSET"):
            self.recipients = []
        elif verb == "RCPT":
            return self._recipient(argument)
        elif verb == "DATA":
            if not self.recipients:
                return "503 nobody to deliver to"
            self._say("354 end with a dot")
            self.server.keep(self.recipients, self._message())
        elif verb == "QUIT":
            return "221 bye"
        elif verb not in ("HELO", "EHLO", "NOOP"):
            return "502 not spoken here"
        return "250 ok"

    def _recipient(self, argument: str) -> str:
        (address,) = re.findall(r"<([^>]+)>", argument)
        if address not in self.server.manner.refused:
            self.recipients.append(address)
        return self.server.manner.refused.get(address, "250 ok")

    def _message(self) -> bytes:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(line.removeprefix(b".") for line in lines if line)

    def _say(self, reply: str) -> None:
        time.sleep(self.server.manner.reply_delay_seconds)
        self.wfile.write(f"{reply}\r\n".encode())


@contextmanager
def running_mail(folder: Path) -> Iterator[Mail]:
    """A catcher without a mail yet; it runs as a thread of this process."""
    with _Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Mail(server.server_address[1], folder, server.manner)
        finally:
            server.shutdown()
            thread.join()
