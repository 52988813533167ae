"""The way to a service of a cluster over HTTP: straight there, or by what stands before the cluster and passes on.

https://kubernetes.io/docs/concepts/cluster-administration/proxies/,
https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import lru_cache
from ssl import SSLContext
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from apps.integrations.kubernetes.connection import trusting
from apps.integrations.kubernetes.port import Credentials
from apps.integrations.outbound import outbound_session

SIGN_IN = "X-Maia-Authorization"
"""What a service is to know as Authorization, which an API server takes for its own and away."""
DOOR = "X-Maia-Door"
"""In each answer that has come from the service and not from what stands before it (deploy/orthanc/door.conf)."""


@dataclass(frozen=True)
class Route:
    """`address` is the service's HTTP root, and `gateway` what passes requests on to it, if anything does.

    `is_entered`: a person gave the address, so that where it leads is checked with every connection.
    """

    address: str
    gateway: Credentials | None = field(default=None, repr=False)
    is_entered: bool = False


def session_by(route: Route, sign_in: tuple[str, str] | None = None) -> requests.Session:
    """For requests to `route.address`; signs in at the service by user name and password, or by a token alone."""
    session = outbound_session() if route.is_entered else requests.Session()
    session.trust_env = False  # neither a proxy nor a .netrc of this machine
    if route.gateway is None:
        _sign_in(session, *(sign_in or ("", "")))
        return session
    session.mount("https://", _Trusting(route.gateway))
    if route.gateway.token:
        session.headers["Authorization"] = f"Bearer {route.gateway.token}"
    if sign_in is not None:
        session.headers[SIGN_IN] = _basic(*sign_in)
    return session


def _sign_in(session: requests.Session, username: str, password: str) -> None:
    if username:
        session.headers["Authorization"] = _basic(username, password)
    elif password:
        session.headers["Authorization"] = f"Bearer {password}"


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@lru_cache(maxsize=64)
def _context(gateway: Credentials) -> SSLContext:
    """Kept, since reading all the CAs of a system takes longer than most answers."""
    return trusting(gateway)


class _Trusting(HTTPAdapter):
    """Trusts the gateway's CA alone, and shows it the portal's certificate."""

    def __init__(self, gateway: Credentials) -> None:
        self._context = _context(gateway)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def cert_verify(self, *_: Any) -> None:
        """It would add the CAs of all the world to those that the context trusts."""
