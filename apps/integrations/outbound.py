"""Requests to addresses that people give: where they lead is checked as the connection is made, not before.

A name may lead elsewhere a moment after it was checked, so what was checked is what is connected to.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.response import BaseHTTPResponse

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HEAD_SECONDS = 30.0
"""So long an answer's status and headers may take, however they drip."""
MOST_ADDRESSES = 4
"""So many addresses of a name are tried."""
_INTERNET_6, _NAT64 = IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96")
_URL = re.compile(r"https?://[!-~]+")
_NOT_PLAIN = "Give an address that begins with http:// or https:// and a host, without spaces."
_NO_PASSWORD = "Give user name and password in their own fields, not in the address."  # noqa: S105
_NO_QUERY = "Give the address without what follows a ? or #."
_NO_PORT = "The port of the address is no port."
_NOT_ALLOWED = "The portal may not connect to where this address leads; an administrator can allow its network."


class AddressRefused(Exception):
    """The portal does not go there; the message says why, for who gave the address."""


def check_url(url: str) -> None:
    """Raises AddressRefused for what is no HTTP root; where its host leads is looked at by the connection."""
    if not _URL.fullmatch(url):
        raise AddressRefused(_NOT_PLAIN)
    if "?" in url or "#" in url:
        raise AddressRefused(_NO_QUERY)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(_NO_PORT) from None
    if "@" in parts.netloc or "\\" in url:
        raise AddressRefused(_NO_PASSWORD)
    if not parts.hostname:
        raise AddressRefused(_NOT_PLAIN)
    if port == 0:
        raise AddressRefused(_NO_PORT)


def outbound_session() -> requests.Session:
    """A session that connects to the internet and to OUTBOUND_ALLOWED_NETWORKS alone, and follows no redirect.

    Elsewhere requests raise AddressRefused.
    """
    session = _Staying()
    session.verify = settings.OUTBOUND_CA_FILE or True
    session.trust_env = False  # neither a proxy, which would resolve names itself, nor a .netrc of this machine
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Checking())
    return session


def may_reach(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether it is of the internet or of an allowed network, and so is what an IPv6 address stands for."""
    return all(_is_public(one) or any(one in network for network in allowed) for one in _meant(address))


def _is_public(address: Address) -> bool:
    is_usual = isinstance(address, IPv4Address) or address in _INTERNET_6
    return is_usual and address.is_global and not address.is_multicast


def _meant(address: Address) -> Iterator[Address]:
    """The addresses at which packets to this one may arrive."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped or address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        if address.sixtofour:
            yield address.sixtofour


class _Staying(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, whatever the answer says: it is handed to the caller as it is."""


class _Checked(HTTPConnection):
    """Connects to addresses that were checked, by the name in the URL; TLS is checked against that name."""

    def _new_conn(self) -> socket.socket:
        found = self._resolved()
        if not all(may_reach(ip_address(one), settings.OUTBOUND_ALLOWED_NETWORKS) for one in found):
            raise AddressRefused(_NOT_ALLOWED)
        failure: OSError | None = None
        for one in found[:MOST_ADDRESSES]:
            try:
                return self._connected(one)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "It takes no connection in time.") from failure
        raise NewConnectionError(self, "It takes no connection.") from failure

    def getresponse(self) -> BaseHTTPResponse:  # type: ignore[override]
        """As always, but a head that does not end in time is none, however it drips. Raises TimeoutError then."""
        is_late = threading.Event()
        end = threading.Timer(HEAD_SECONDS, self._break, [is_late])
        end.daemon = True
        end.start()
        try:
            found = super().getresponse()
        finally:
            end.cancel()
        if is_late.is_set():
            raise TimeoutError
        return found

    def _resolved(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            unresolved = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, unresolved) from error
        return list(dict.fromkeys(str(place[0]) for *_, place in found))

    def _connected(self, address: str) -> socket.socket:
        connected = socket.create_connection((address, self.port), self.timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def _break(self, is_late: threading.Event) -> None:
        is_late.set()
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _CheckedTls(_Checked, HTTPSConnection):
    """The methods of both."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Checked


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedTls


class _Checking(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
