"""The portal behind nginx, as it is deployed: it knows its visitors' addresses, and no slow sender holds it up."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
import requests

from tests.peers.nginx import Nginx, running_nginx
from tests.peers.starting import LOOPBACK, throwaway_folder
from tests.portal import ADMINISTRATOR, Portal, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.peers
VISITOR = "127.0.0.77"
SLOW_SENDERS = 40


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Nginx]]:
    var = tmp_path_factory.mktemp("portal") / "var"
    port = free_port()
    with throwaway_folder() as folder, running_nginx(folder, f"{LOOPBACK}:{port}") as nginx:
        running = Portal(var, port, PUBLIC_URL=nginx.url, TRUSTED_PROXIES="1", SAMPLE_PROJECT="false")
        try:
            yield running.start(), nginx
        finally:
            running.stop()
        log = (folder / "maia.access.log").read_text()
        assert " 200 " in log
        assert "/account/" not in log
        assert "secret" not in log


def _sign_in(nginx: Nginx, password: str, **headers: str) -> int:
    """From an address of its own, as a browser does it; the status of the answer."""
    with closing(HTTPConnection(LOOPBACK, nginx.port, timeout=20, source_address=(VISITOR, 0))) as browser:
        browser.request("GET", "/account/login/?next=/secret", headers=headers)
        page = browser.getresponse()
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode()))
        cookies = "; ".join(line.partition(";")[0] for line in page.headers.get_all("Set-Cookie"))
        sent = {"Cookie": cookies, "Origin": nginx.url, "Content-Type": "application/x-www-form-urlencoded", **headers}
        form = {"login": ADMINISTRATOR, "password": password, "csrfmiddlewaretoken": token}
        browser.request("POST", "/account/login/", urlencode(form), sent)
        return browser.getresponse().status


def test_a_visitor_signs_in_and_is_known_by_the_own_address(portal: tuple[Portal, Nginx]) -> None:
    running, nginx = portal
    status = _sign_in(nginx, running.one_time_password(), **{"X-Forwarded-For": "8.8.8.8", "X-Real-IP": "8.8.8.8"})
    assert status == 302
    assert running.rows("SELECT address FROM audit_entry WHERE action = 'account.signed_in'") == [(VISITOR,)]


def test_redirects_lead_to_the_address_that_people_typed(portal: tuple[Portal, Nginx]) -> None:
    _, nginx = portal
    led = requests.get(f"{nginx.url}/account/", timeout=10, allow_redirects=False)
    assert led.headers["Location"].startswith(("/", nginx.url))


def test_slow_senders_cost_the_portal_no_thread(portal: tuple[Portal, Nginx]) -> None:
    _, nginx = portal
    request = f"POST /account/login/ HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Length: 1000\r\n\r\nlogin="
    with ExitStack() as connections:
        for _ in range(SLOW_SENDERS):
            connection = connections.enter_context(socket.create_connection((LOOPBACK, nginx.port), timeout=5))
            connection.sendall(request.encode())
        assert requests.get(f"{nginx.url}/account/login/", timeout=5).ok


def test_a_portal_that_comes_back_is_found_again(portal: tuple[Portal, Nginx]) -> None:
    running, nginx = portal
    running.stop()
    assert requests.get(f"{nginx.url}/healthz/live", timeout=10).status_code == 502
    running.start()
    wait_until(lambda: requests.get(f"{nginx.url}/healthz/live", timeout=10).ok, 20)
