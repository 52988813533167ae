"""People at the deployed portal without a browser: they sign in at Keycloak's form, and look at pages."""

import html
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

TIMEOUT = 30
FIGURES: list[str] = []
"""What was measured; shown when all tests are over."""


def signed_in(portal: str, email: str, password: str) -> requests.Session:
    """A session at the portal's address, after the whole way by Keycloak."""
    person = requests.Session()
    asked = begin_sign_in(person, portal)
    for cookie in person.cookies:
        cookie.secure = False  # browsers count loopback as safe by http too
    form = {"username": email, "password": password}
    answer = person.post(html.unescape(found(r'action="([^"]+)"', asked.text)), data=form, timeout=TIMEOUT)
    assert answer.url == f"{portal}/", answer.text
    return person


def begin_sign_in(person: requests.Session, portal: str) -> requests.Response:
    """What the button of the sign-in page leads to."""
    page = person.get(f"{portal}/account/login/", timeout=TIMEOUT)
    token = found(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    form, headers = {"csrfmiddlewaretoken": token, "next": "/"}, {"Origin": portal}
    return person.post(f"{portal}/account/keycloak/start/", data=form, headers=headers, timeout=TIMEOUT)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


@contextmanager
def every_page_answers(pages: Mapping[str, requests.Session], within_seconds: float) -> Iterator[None]:
    """Asks for each address again and again meanwhile; fails when one is not whole or not there in time."""
    wrong: list[str] = []
    is_over, taken = threading.Event(), dict.fromkeys(pages, 0.0)

    def ask() -> None:
        while not is_over.wait(0.2):
            for address, person in pages.items():
                begun = time.monotonic()
                said = _status(person, address)
                seconds = time.monotonic() - begun
                taken[address] = max(taken[address], seconds)
                if said != "200" or seconds > within_seconds:
                    wrong.append(f"{address}: {said} in {seconds:.1f} s")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        is_over.set()
        asking.join()
    assert not wrong, wrong
    assert all(taken.values()), "not asked"
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].partition(" ")[0]
    slowest = max(taken.values())
    FIGURES.append(f"bench slowest page, {test}: ours {slowest:.2f} s, target {within_seconds:g}")


def _status(person: requests.Session, address: str) -> str:
    try:
        return str(person.get(address, allow_redirects=False, timeout=TIMEOUT).status_code)
    except requests.RequestException as error:
        return type(error).__name__
