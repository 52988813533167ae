"""A service that something before the cluster passes requests on to: who signs in where, and whose an answer is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from apps.integrations.dicomweb.orthanc import Orthanc
from apps.integrations.dicomweb.port import AccessRefused, ServerUnreachable
from apps.integrations.kubernetes.route import DOOR, SIGN_IN, Route
from tests.clusters.servers import Handler, Server, answer, refusal, serving

ABSENT = "-".join(["00000000"] * 5)
PORTAL = ("portal", "a password of this test")
PORTAL_IN_BASE64 = "Basic cG9ydGFsOmEgcGFzc3dvcmQgb2YgdGhpcyB0ZXN0"


class Gateway:
    """Answers with its status: in Orthanc's name where the request came through."""

    def __init__(self) -> None:
        self.status, self.is_passed_on = 200, True
        self.headers: dict[str, str] = {}

    def says(self, handler: Handler) -> None:
        self.headers = dict(handler.headers)
        if self.is_passed_on:
            answer(handler, self.status, {"CountInstances": 3}, **{DOOR: "open"})
        else:
            answer(handler, self.status, refusal(self.status, "Forbidden"))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def server(gateway: Gateway) -> Iterator[Server]:
    with serving(gateway.says) as server:
        yield server


@pytest.fixture
def orthanc(server: Server) -> Orthanc:
    return Orthanc(Route(f"{server.address}/proxy", server.credentials), *PORTAL)


def test_the_portal_signs_in_at_the_gateway_and_at_orthanc(orthanc: Orthanc, gateway: Gateway, server: Server) -> None:
    assert orthanc.count() == 3
    assert server.asked == ["/proxy/statistics"]
    assert gateway.headers["Authorization"] == "Bearer made-up-token"
    assert gateway.headers[SIGN_IN] == PORTAL_IN_BASE64


def test_what_asks_for_no_token_gets_none(server: Server, gateway: Gateway) -> None:
    Orthanc(Route(server.address, replace(server.credentials, token="")), *PORTAL).count()
    assert "Authorization" not in gateway.headers
    assert gateway.headers[SIGN_IN] == PORTAL_IN_BASE64


@pytest.mark.faults
@pytest.mark.parametrize(
    ("status", "failure"),
    [(200, ServerUnreachable), (404, ServerUnreachable), (503, ServerUnreachable), (403, AccessRefused)],
)
def test_an_answer_of_the_gateway_says_nothing_of_objects(
    orthanc: Orthanc, gateway: Gateway, status: int, failure: type[Exception]
) -> None:
    gateway.status, gateway.is_passed_on = status, False
    for ask in (orthanc.has, orthanc.delete, orthanc.origin):
        with pytest.raises(failure, match=f"What passes requests on to it .*{status}"):
            ask(ABSENT)


def test_an_answer_of_orthanc_does(orthanc: Orthanc, gateway: Gateway) -> None:
    gateway.status = 404
    assert not orthanc.has(ABSENT)
    gateway.status = 401
    with pytest.raises(AccessRefused, match="user name and password"):
        orthanc.count()


@pytest.mark.attacks
def test_another_server_in_its_place_is_told_nothing(server: Server, gateway: Gateway) -> None:
    with serving(gateway.says) as impostor, pytest.raises(ServerUnreachable) as caught:
        Orthanc(Route(impostor.address, replace(server.credentials, server=impostor.address)), *PORTAL).count()
    assert gateway.headers == {}
    assert "made-up-token" not in f"{caught.value!r}{caught.value.__cause__!r}"
