"""The watch of the client, against servers that break off, lie or never end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from apps.integrations.kubernetes.port import POD, VersionGone
from tests.clusters.servers import Handler, Server, answer, refusal, serving
from tests.integrations.impatient import SECONDS, client_of, trickle_head, unreachable


def an_event(what: str, version: str, **found: Any) -> bytes:
    return json.dumps({"type": what, "object": {"metadata": {"resourceVersion": version}, **found}}).encode() + b"\n"


def stream(*pieces: bytes, end: Callable[[Handler], None] = lambda asked: None) -> Callable[[Handler], None]:
    """Says these pieces as they are, and then what `end` does instead of going on."""

    def says(asked: Handler) -> None:
        asked.send_response(200)
        asked.send_header("Transfer-Encoding", "chunked")
        asked.end_headers()
        for piece in pieces:
            asked.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            asked.wfile.flush()
        end(asked)

    return says


def ends(asked: Handler) -> None:
    asked.wfile.write(b"0\r\n\r\n")


def breaks(asked: Handler) -> None:
    asked.close_connection = True


def versions(server: Server, seconds: float = SECONDS) -> Iterator[str]:
    return (change.version for change in client_of(server).watch(POD, since="7", seconds=seconds))


def test_a_watch_is_asked_for_with_its_end_and_bookmarks() -> None:
    with serving(stream(an_event("ADDED", "8"), an_event("BOOKMARK", "9"), end=ends)) as server:
        found = list(client_of(server).watch(POD, since="7", seconds=1.5, labels="a=b"))
        assert [(change.what, change.version, change.object["kind"]) for change in found] == [
            ("ADDED", "8", "Pod"),
            ("BOOKMARK", "9", "Pod"),
        ]
        (asked,) = server.asked
        query = dict(parse_qsl(urlsplit(asked).query))
    assert query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "2",
        "labelSelector": "a=b",
    }


def test_events_are_read_whole_however_they_are_cut() -> None:
    both = an_event("ADDED", "8") + an_event("MODIFIED", "9")
    with serving(stream(*(both[at : at + 7] for at in range(0, len(both), 7)), end=ends)) as server:
        assert list(versions(server)) == ["8", "9"]


def test_what_came_before_a_connection_broke_is_told() -> None:
    with serving(stream(an_event("ADDED", "8"), an_event("MODIFIED", "9")[:10], end=breaks)) as server:
        found = versions(server)
        assert next(found) == "8"
        with unreachable("connection to the cluster broke"):
            next(found)


@pytest.mark.parametrize(
    "says",
    [
        lambda asked: answer(asked, 410, refusal(410, "Expired")),
        stream(an_event("ADDED", "8"), an_event("ERROR", "", code=410, reason="Expired"), end=ends),
    ],
    ids=["at once", "midway"],
)
def test_a_version_that_is_gone_is_named(says: Callable[[Handler], None]) -> None:
    with serving(says) as server, pytest.raises(VersionGone):
        list(versions(server))


WATCH_LIES: dict[str, tuple[Callable[[Handler], None], str]] = {
    "a page": (lambda asked: answer(asked, 200, b"<html>Hello</html>\n"), "not Kubernetes"),
    "no version": (stream(b'{"type": "ADDED", "object": {"metadata": 1}}\n'), "not Kubernetes"),
    "no object": (stream(b'{"type": "ADDED"}\n'), "not Kubernetes"),
    "an error": (stream(an_event("ERROR", "", code=500)), "trouble of its own"),
    "an error without a number": (stream(an_event("ERROR", "", code=None)), "trouble of its own"),
    "a refusal of its own": (lambda asked: answer(asked, 504, refusal(504, "Timeout")), "trouble of its own"),
    "a line without end": (stream(b" " * (5 * 1024**2)), "larger than any"),
}


@pytest.mark.parametrize("lie", WATCH_LIES)
def test_a_watch_believes_no_lie(lie: str) -> None:
    says, sentence = WATCH_LIES[lie]
    with serving(says) as server, unreachable(sentence):
        list(versions(server))


def trickle_events(asked: Handler) -> None:
    for byte in an_event("ADDED", "8") * 100:
        asked.wfile.write(b"1\r\n%c\r\n" % byte)
        time.sleep(SECONDS / 20)


@pytest.mark.parametrize(
    "says",
    [stream(end=lambda asked: time.sleep(10 * SECONDS)), stream(end=trickle_events), trickle_head],
    ids=["hangs", "trickles", "trickles its head"],
)
def test_a_watch_that_does_not_end_is_cut_off(says: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.integrations.kubernetes.client.GRACE_SECONDS", SECONDS)
    with serving(says) as server, unreachable("did not answer in time"):
        list(versions(server))
