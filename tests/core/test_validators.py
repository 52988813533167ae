"""Names that stand in headings and mails: one line, and nothing in it that cannot be seen."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from apps.accounts.models import User
from apps.core.validators import ONE_LINE
from tests.conftest import ClientOf
from tests.registrations.conftest import error_of

SENTENCE = "Write this on one line, without characters that cannot be seen."
UNSEEN = [0xAD, 0x61C, 0x115F, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0x2064, 0x2800, 0x3164, 0xFEFF]
FAR = [0xFFA0, 0xE0001, 0xE0041]


@pytest.mark.attacks
@pytest.mark.parametrize("number", [0x0A, 0x85, 0x2028, 0x202E, 0x2066, *UNSEEN, *FAR], ids=hex)
def test_what_cannot_be_seen_is_refused(number: int) -> None:
    for text in (chr(number), f"Cardiac{chr(number)} MR", f"Cardiac MR{chr(number)}"):
        with pytest.raises(ValidationError, match=SENTENCE):
            ONE_LINE(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ida Berg",
        "Nils Ås",
        "O\u2019Brien, M.D.",
        "\u674e\u6d77",
        "\u05de\u05e9\u05d4",
        "\U0001fac0",
        "\u845b\U000e0100",
    ],
)
def test_what_people_are_called_is_taken(text: str) -> None:
    ONE_LINE(text)


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["name", "affiliation", "position", "project_name", "principal_investigator"])
def test_nobody_registers_under_a_name_that_is_not_seen(client: Client, field: str) -> None:
    assert error_of(client, **{field: "\u200b"}) == SENTENCE


def test_nobody_takes_one_later(alice: User, client_of: ClientOf) -> None:
    page = client_of(alice).post("/account/profile/", {"name": "\u2060", "affiliation": "", "position": ""}).text
    assert SENTENCE in page
    alice.refresh_from_db()
    assert alice.name == "Alice"
