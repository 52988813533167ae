import smtplib
from email.message import EmailMessage

import pytest

from tests.peers.mail import Mail, running_mail
from tests.peers.starting import LOOPBACK, accepts, throwaway_folder

pytestmark = pytest.mark.peers


def _message(subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "portal@hospital.example", "alice@hospital.example"
    message.set_content(text)
    return message


def test_it_keeps_what_was_sent_for_each_who_got_it(mail: Mail) -> None:
    with smtplib.SMTP(LOOPBACK, mail.port, timeout=5) as client:
        hidden = ["first@catcher.example", "second@catcher.example"]  # nobody else's in this session
        assert client.send_message(_message("Välkommen", ".a dot leads\nÅsa\n"), to_addrs=hidden) == {}
    for address in hidden:
        (kept,) = mail.mails_to(address)
        assert kept["Subject"] == "Välkommen"
        assert kept.get_content().splitlines() == [".a dot leads", "Åsa"]
    assert mail.mails_to("third@catcher.example") == []


def test_a_mail_to_nobody_is_refused(mail: Mail) -> None:
    with smtplib.SMTP(LOOPBACK, mail.port, timeout=5) as client:
        client.ehlo()
        client.mail("portal@hospital.example")
        with pytest.raises(smtplib.SMTPDataError, match="nobody"):
            client.data(b"text")


def test_it_leaves_nothing_behind() -> None:
    with throwaway_folder() as folder:
        with running_mail(folder) as address:
            assert accepts(address.port)
        assert not accepts(address.port)
    assert not folder.exists()
