"""Where requests to addresses that people give may lead, and where not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django.fixtures import Settings

from apps.integrations import outbound
from apps.integrations.outbound import AddressRefused, check_url, may_reach, outbound_session
from tests.clusters.servers import answer
from tests.clusters.servers import serving as serving_tls

pytestmark = pytest.mark.attacks
LOOPBACK = [ip_network("127.0.0.1/32")]
Resolver = dict[str, list[list[str]]]


@contextmanager
def serving(status: int = 200, **headers: str) -> Iterator[tuple[int, list[str]]]:
    """Its port on loopback, and which Host was asked for."""
    hosts: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(status)
            for name, value in {"Content-Length": "2", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port, hosts
        server.shutdown()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """What names lead to: one list of addresses for each time that somebody asks, the last one from then on."""
    known: Resolver = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if host not in known:
            return real(host, port, *arguments, **options)
        turns = known[host]
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


def get(url: str, **options: Any) -> requests.Response:
    with outbound_session() as session:
        return session.get(url, timeout=2, **options)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.9.10",
            "0.0.0.0",  # noqa: S104
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
        ),
        *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1", "::127.0.0.1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
        *("2001:0:53aa:64c:0:fbff:80ff:fffe", "fe80::1%lo"),
    ],
)
def test_what_is_not_of_the_internet_is_not_reached(address: str) -> None:
    assert not may_reach(ip_address(address), [])


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "130.237.0.1", "2a00:1450:4001::1", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_the_internet_is_reached(address: str) -> None:
    assert may_reach(ip_address(address), [])


def test_what_an_administrator_allows_is_reached_and_what_is_beside_it_is_not() -> None:
    allowed = [ip_network("10.20.0.0/16"), ip_network("fd00:1::/64")]
    for address in ("10.20.3.4", "::ffff:10.20.3.4", "fd00:1::9"):
        assert may_reach(ip_address(address), allowed)
    for address in ("10.21.0.1", "::ffff:10.21.0.1", "fd00:2::9", "127.0.0.1"):
        assert not may_reach(ip_address(address), allowed)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://archive.example/", "begins with http"),
        ("file:///etc/passwd", "begins with http"),
        ("gopher://127.0.0.1:6379/_x", "begins with http"),
        ("HTTP://archive.example", "begins with http"),
        ("http://", "begins with http"),
        ("http:///path", "begins with http"),
        ("http://archive.example/a b", "without spaces"),
        ("http://archive.example/\r\nX: y", "without spaces"),
        ("http://käse.example/", "begins with http"),
        ("http://me:secret@archive.example/", "own fields"),
        ("http://archive.example\\@127.0.0.1/", "own fields"),
        ("http://1.1.1.1@127.0.0.1/", "own fields"),
        ("http://archive.example/?a=b", r"a \? or #"),
        ("http://archive.example/#a", r"a \? or #"),
        ("http://archive.example:0/", "no port"),
        ("http://archive.example:99999/", "no port"),
        ("http://archive.example:x/", "no port"),
        ("http://[::1/", "no port"),
    ],
)
def test_what_is_no_plain_address_is_refused(url: str, says: str) -> None:
    with pytest.raises(AddressRefused, match=says):
        check_url(url)


def test_plain_addresses_are_taken() -> None:
    for url in ("http://10.1.2.3:8042", "https://archive.example/dicom-web/", "https://[2a00::1]:8443/rs"):
        check_url(url)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]"],
)
def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    with serving() as (port, hosts):
        with pytest.raises(AddressRefused, match="administrator can allow"):
            get(f"http://{host}:{port}/")
        assert hosts == []


def test_what_is_allowed_is_asked_by_its_name(names: Resolver, settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    names["archive.example"] = [["127.0.0.1"]]
    with serving() as (port, hosts):
        assert get(f"http://archive.example:{port}/").text == "ok"
        assert hosts == [f"archive.example:{port}"]


def test_a_name_that_leads_elsewhere_the_second_time_is_asked_where_it_was_checked(
    names: Resolver, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    names["archive.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    with serving() as (port, hosts):
        assert get(f"http://archive.example:{port}/").ok
        assert len(names["archive.example"]) == 1, "it was looked up once"
        with pytest.raises(AddressRefused):
            get(f"http://archive.example:{port}/")
        assert len(hosts) == 1


def test_one_address_that_is_refused_refuses_the_name(names: Resolver, settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    names["archive.example"] = [["127.0.0.1", "169.254.169.254"]]
    with serving() as (port, hosts):
        with pytest.raises(AddressRefused):
            get(f"http://archive.example:{port}/")
        assert hosts == []


@pytest.mark.parametrize("allow_redirects", [True, False])
def test_no_redirect_is_followed(settings: Settings, allow_redirects: bool) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    with serving() as (elsewhere, asked), serving(302, Location=f"http://127.0.0.1:{elsewhere}/") as (port, _):
        assert get(f"http://127.0.0.1:{port}/", allow_redirects=allow_redirects).status_code == 302
        assert asked == []


def test_neither_proxies_nor_netrc_of_the_machine_are_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    with serving() as (proxy, through), serving() as (port, hosts):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        assert get(f"http://127.0.0.1:{port}/").ok
        assert (len(hosts), through) == (1, [])


def test_tls_is_checked_against_the_name_that_was_given(names: Resolver, settings: Settings, tmp_path: Path) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    names["archive.example"] = [["127.0.0.1"]]
    with serving_tls(lambda handler: answer(handler, 200, {})) as server:
        trusted = tmp_path / "ca.pem"
        trusted.write_text(server.ca_pem)
        port = server.address.rpartition(":")[2]
        with pytest.raises(requests.exceptions.SSLError):
            get(server.address)
        settings.OUTBOUND_CA_FILE = str(trusted)
        assert get(server.address).ok
        with pytest.raises(requests.exceptions.SSLError):
            get(f"https://archive.example:{port}/")
        assert len(server.asked) == 1


def test_a_head_without_end_is_broken_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    monkeypatch.setattr(outbound, "HEAD_SECONDS", 0.5)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            taken, _ = listener.accept()
            with taken:
                taken.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not stop.wait(0.05):
                    try:
                        taken.sendall(b"x")
                    except OSError:
                        return

        dripping = threading.Thread(target=drip)
        dripping.start()
        started = time.monotonic()
        with pytest.raises(requests.Timeout):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert time.monotonic() - started < 5
        stop.set()
        dripping.join()


def test_a_name_that_leads_nowhere_is_a_failure_like_any_other() -> None:
    for host in ("no-such-archive.invalid", "a" * 64 + ".example"):
        with pytest.raises(requests.ConnectionError):
            get(f"http://{host}/")
