"""The HTML of a mail says what its text says, and leads nowhere but to the portal."""

import re
from typing import Any

import pytest

from apps.core.mail_html import html_of

PORTAL = "https://maia.hospital.example"


@pytest.fixture(autouse=True)
def _public_address(settings: Any) -> None:
    settings.PUBLIC_URL = PORTAL


def links(text: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', html_of("Subject", text))


def test_an_address_that_stands_alone_becomes_a_button_and_is_shown() -> None:
    html = html_of("Ready", f"Hello Ida,\n\nOpen it:\n\n{PORTAL}/projects/atlas/\n\nBye.\n\n-- \nMAIA, {PORTAL}\n")
    assert re.search(rf'<a href="{PORTAL}/projects/atlas/" style="[^"]*">Open the page</a>', html)
    assert html.count(f"{PORTAL}/projects/atlas/") == 2
    assert f">MAIA, {PORTAL}</p>" in html
    assert "-- " not in html


def test_lines_stay_lines() -> None:
    assert "Asked by: Ida<br>Asked for: 2 GPUs" in html_of("x", "Asked by: Ida\nAsked for: 2 GPUs\n")


@pytest.mark.parametrize(
    ("said", "linked"),
    [
        (f"see {PORTAL}/a/?b=1&c=2.", [f"{PORTAL}/a/?b=1&amp;c=2"]),
        (f'in "{PORTAL}/a/" or {PORTAL}, here', [f"{PORTAL}/a/", PORTAL]),
        (f"{PORTAL}.evil.example/ at {PORTAL}@evil.example/", [PORTAL]),
        (f"{PORTAL}evil/", []),
        ("https://evil.example/ javascript:alert(1)", []),
    ],
)
def test_only_addresses_of_the_portal_are_links(said: str, linked: list[str]) -> None:
    assert links(said) == linked


def test_words_of_people_are_escaped() -> None:
    html = html_of("<b>", 'Reason: <img src="https://evil.example/x.png">')
    assert "<img" not in html
    assert "<title>&lt;b&gt;</title>" in html


def test_nothing_is_fetched_from_anywhere() -> None:
    assert not re.search(r"(?:src|background|poster)=|<link|<style|url\(", html_of("Subject", f"Text\n\n{PORTAL}/\n"))
