"""Mails and a mail server that is really there: down, slow, silent, refusing; and a worker killed while it sends."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.core import mail
from apps.core.models import Mail
from tests.killing import child_at
from tests.peers.mail import Mail as Server
from tests.peers.mail import running_mail
from tests.waiting import wait_until

Status = Mail.Status
pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Server]:
    with running_mail(tmp_path) as running:
        settings.EMAIL_BACKEND = "apps.core.smtp.BoundedBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_TIMEOUT = 20
        yield running


def post(to: str = "ida@uni.example") -> Mail:
    return mail.post(to=to, subject="Good news", template="account/email/password_set_message.txt", context={})


def minutes_pass() -> None:
    """All that waits is due, and whoever was sending has had the time for it."""
    long_ago = timezone.now() - timedelta(hours=1)
    Mail.objects.update(not_before=long_ago)
    Mail.objects.filter(status=Status.SENDING).update(status_changed_at=long_ago)


def reasons() -> set[str]:
    return set(Mail.objects.values_list("last_error", flat=True))


def test_a_mail_comes_once_in_text_and_html(server: Server) -> None:
    row = post()
    for _ in range(2):
        mail.sweep()
    (came,) = server.mails_to("ida@uni.example")
    assert came["Message-ID"] == f"<mail-{row.pk}@maia>"
    assert came["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in came.iter_parts()] == ["text/plain", "text/html"]
    assert "The password of your MAIA account was set." in came.get_body(("html",)).get_content()


def test_a_server_that_is_down_loses_nothing(server: Server, settings: Any) -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = taken.getsockname()[1]
        for number in range(3):
            post(f"person{number}@uni.example")
        mail.sweep()
    assert reasons() == {"", "The mail server cannot be reached."}
    settings.EMAIL_PORT = server.port
    minutes_pass()
    mail.sweep()
    assert [len(server.mails_to(f"person{number}@uni.example")) for number in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("seconds", [0.6, 30])
def test_a_server_that_is_slow_ends_in_time_and_loses_nothing(server: Server, settings: Any, seconds: float) -> None:
    """Each answer in time and all together not, or none at all."""
    settings.CLAIM_SECONDS = 2
    server.manner.reply_delay_seconds = seconds
    post()
    began = time.monotonic()
    mail.sweep()
    assert time.monotonic() - began < settings.CLAIM_SECONDS + 1
    assert reasons() == {"The mail server did not answer in time, or broke off."}
    server.manner.reply_delay_seconds = 0
    minutes_pass()
    mail.sweep()
    assert Mail.objects.get().status == Status.SENT
    assert len(server.mails_to("ida@uni.example")) == 1


def test_a_refused_recipient_stops_nobody_else(server: Server) -> None:
    server.manner.refused = {
        "gone@uni.example": "550 5.1.1 no such user here",
        "busy@uni.example": "450 4.2.1 come again later",
    }
    rows = {name: post(f"{name}@uni.example") for name in ("gone", "busy", "ida")}
    mail.sweep()
    states = {name: Mail.objects.get(pk=row.pk).status for name, row in rows.items()}
    assert states == {"gone": Status.FAILED, "busy": Status.QUEUED, "ida": Status.SENT}
    assert "The mail server said: 550 5.1.1 no such user here" in reasons()
    server.manner.refused = {}
    minutes_pass()
    mail.sweep()
    came = {name: len(server.mails_to(f"{name}@uni.example")) for name in rows}
    assert came == {"gone": 0, "busy": 1, "ida": 1}


def test_a_worker_killed_when_the_server_has_the_mail_sends_it_twice_at_most(server: Server) -> None:
    row = post()
    server.manner.reply_delay_seconds = 0.5  # the mail is kept so long before the server says that it has it
    child = child_at(lambda: mail.deliver(row))
    wait_until(lambda: server.mails_to("ida@uni.example"), timeout_seconds=30)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    server.manner.reply_delay_seconds = 0
    assert Mail.objects.get().status == Status.SENDING
    for _ in range(3):
        minutes_pass()
        mail.sweep()
    assert Mail.objects.get().status == Status.SENT
    assert [came["Message-ID"] for came in server.mails_to("ida@uni.example")] == [f"<mail-{row.pk}@maia>"] * 2
