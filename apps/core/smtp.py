"""A conversation with the mail server that ends in time, and what its errors mean for a mail."""

import smtplib
import socket
import threading
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

PERMANENT = 500  # RFC 5321 4.2.1: 4yz may be tried again, 5yz should not
LONGEST_REASON = 200
CONVERSATION = 0.75  # of a claim's time: before it ends, and another worker sends the mail, this one has stopped


class _Bounded(smtplib.SMTP):
    """Breaks the conversation off when its time is over, however slowly the server talks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sock: socket.socket | None = None
        self._clock = threading.Timer(settings.CLAIM_SECONDS * CONVERSATION, self._break_off)
        self._clock.daemon = True
        self._clock.start()
        try:
            super().__init__(*args, **kwargs)
        except BaseException:
            self._clock.cancel()
            raise

    def close(self) -> None:
        self._clock.cancel()
        super().close()

    def _break_off(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    pass


class BoundedBackend(EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _BoundedTls if self.use_ssl else _Bounded


def is_refusal(error: Exception) -> bool:
    """Whether the server takes mails and not this one: the others may go on."""
    return isinstance(error, ValueError | smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)


def is_final(error: Exception) -> bool:
    """Whether sending the same mail again would end in the same way."""
    return isinstance(error, ValueError) or (is_refusal(error) and _answer(error)[0] >= PERMANENT)


def reason(error: Exception) -> str:
    """The error as administrators read it, with the server's own words; it may name the recipient."""
    if isinstance(error, ValueError):
        return "This cannot be written as a mail."
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        code, words = _answer(error)
        return f"The mail server said: {code} {words}"[:LONGEST_REASON]
    if isinstance(error, TimeoutError | smtplib.SMTPServerDisconnected):
        return "The mail server did not answer in time, or broke off."
    return "The mail server cannot be reached."


def _answer(error: Exception) -> tuple[int, str]:
    """The code and the words of the server's refusal."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return code, _text(words)
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code, _text(error.smtp_error)
    return 0, ""


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words
