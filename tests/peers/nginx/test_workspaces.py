"""The workspaces' host: the portal says whose a workspace is; the browser's other cookies stay away from it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.peers.nginx import Nginx, running_nginx
from tests.peers.starting import LOOPBACK, throwaway_folder
from tests.portal import free_port

pytestmark = pytest.mark.peers
MINE, HERS, STOPPED = "/heart/1/", "/heart/2/", "/heart/3/"


class Workspace(BaseHTTPRequestHandler):
    """Says what reached it; agrees to speak by WebSocket, and echoes then."""

    def do_GET(self) -> None:
        if self.headers["Upgrade"]:
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(self.rfile.read(4))
            return
        body = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Portal(Workspace):
    """Knows one workspace as the visitor's, one as another's, and one that does not listen yet."""

    workspace = ""

    def do_GET(self) -> None:
        if self.path != "/auth/verify":
            super().do_GET()
            return
        address = self.headers["X-Original-URI"]
        mine = "workspace=mine" in self.headers.get("Cookie", "")
        self.send_response(200 if mine and not address.startswith(HERS) else 403 if mine else 401)
        upstream = f"{LOOPBACK}:{free_port()}" if address.startswith(STOPPED) else self.workspace
        self.send_header("X-Workspace-Upstream", upstream)
        self.end_headers()


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{LOOPBACK}:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def nginx() -> Iterator[Nginx]:
    with _serving(Workspace) as workspace, _serving(Portal) as portal, throwaway_folder() as folder:
        Portal.workspace = workspace
        with running_nginx(folder, portal) as address:
            yield address
            assert "patient" not in (folder / "maia.access.log").read_text()


def _get(nginx: Nginx, path: str, cookies: str = "workspace=mine", **headers: str) -> requests.Response:
    return requests.get(
        f"{nginx.workspaces_url}{path}", headers={"Cookie": cookies, **headers}, timeout=5, allow_redirects=False
    )


def test_jupyter_sees_its_whole_path_and_the_desktop_what_comes_after_its_own(nginx: Nginx) -> None:
    assert _get(nginx, f"{MINE}jupyter/api/contents/a%20b?patient=1").json()["path"] == (
        "/heart/1/jupyter/api/contents/a%20b?patient=1"
    )
    assert _get(nginx, f"{MINE}desktop/vnc.html?path=x").json()["path"] == "/vnc.html?path=x"
    assert _get(nginx, f"{MINE}desktop/").json()["path"] == "/"


def test_of_the_cookies_only_jupyter_s_own_reaches_the_workspace(nginx: Nginx) -> None:
    cookies = "sessionid=secret; workspace=mine; _xsrf=token; csrftoken=secret"
    seen = _get(nginx, f"{MINE}jupyter/", cookies, Authorization="Bearer secret").json()["headers"]
    assert seen["cookie"] == "_xsrf=token"
    assert "secret" not in json.dumps(seen)
    assert "cookie" not in _get(nginx, f"{MINE}jupyter/").json()["headers"]


def test_the_workspace_learns_who_asked_by_what_name(nginx: Nginx) -> None:
    seen = _get(nginx, f"{MINE}jupyter/", **{"X-Forwarded-For": "8.8.8.8"}).json()["headers"]
    assert seen["host"] == f"localhost:{nginx.port}"
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == (LOOPBACK, "http")


def test_another_s_workspace_is_refused(nginx: Nginx) -> None:
    refused = _get(nginx, f"{HERS}jupyter/")
    assert refused.status_code == 403
    assert "not your workspace" in refused.text


@pytest.mark.parametrize("path", [f"{MINE}jupyter/", "/", f"{MINE}other/", "/auth/verify", "/projects/"])
def test_who_is_not_signed_in_or_lost_is_led_to_the_portal(nginx: Nginx, path: str) -> None:
    led = _get(nginx, path, cookies="")
    assert (led.status_code, led.headers["Location"]) == (302, f"{nginx.url}/")


def test_a_workspace_that_does_not_listen_yet_says_so(nginx: Nginx) -> None:
    starting = _get(nginx, f"{STOPPED}jupyter/")
    assert starting.status_code == 503
    assert "does not answer yet" in starting.text


def test_a_ticket_is_taken_in_by_the_portal(nginx: Nginx) -> None:
    seen = _get(nginx, "/enter?ticket=abc").json()
    assert seen["path"] == "/auth/enter?ticket=abc"
    assert seen["headers"]["host"] == LOOPBACK


@pytest.mark.parametrize("path", ["/auth/verify", "/auth/enter?ticket=abc"])
def test_both_are_closed_on_the_portal_s_own_host(nginx: Nginx, path: str) -> None:
    assert requests.get(f"{nginx.url}{path}", timeout=5).status_code == 404


def test_nobody_asks_for_the_verification_from_outside(nginx: Nginx) -> None:
    assert _get(nginx, "/verify").status_code == 404


@pytest.mark.parametrize("application", ["jupyter", "desktop"])
def test_a_websocket_is_carried_through(nginx: Nginx, application: str) -> None:
    lines = (
        f"GET {MINE}{application}/channels HTTP/1.1",
        f"Host: localhost:{nginx.port}",
        "Cookie: workspace=mine",
        "Upgrade: websocket",
        "Connection: Upgrade",
    )
    with socket.create_connection((LOOPBACK, nginx.port), timeout=5) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + b"ping")
        with connection.makefile("rb") as reply:
            assert reply.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
            while reply.readline() != b"\r\n":
                pass
            assert reply.read(4) == b"ping"


def test_a_portal_that_is_down_is_no_fault_of_the_workspace() -> None:
    with throwaway_folder() as folder, running_nginx(folder, f"{LOOPBACK}:{free_port()}") as nginx:
        silent = _get(nginx, f"{MINE}jupyter/")
    assert silent.status_code == 503
    assert "portal does not answer" in silent.text
