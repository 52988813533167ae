"""The log of a run elsewhere, as it is fetched whole again and again: nothing twice, nothing lost that was kept."""

from __future__ import annotations

import pytest

from apps.integrations.executors.port import LOG_CHUNK_BYTES
from apps.jobs import kept_log

NAME = "run-1-1"


def kept() -> str:
    text, offset = "", 0
    while (chunk := kept_log.read(NAME, offset)).text:
        text, offset = text + chunk.text, chunk.next_offset
    return text


@pytest.mark.parametrize(
    ("fetches", "expected"),
    [
        ([], ""),
        ([b""], ""),
        ([b"one\n", b"one\ntwo\n", b"one\ntwo\n"], "one\ntwo\n"),
        ([b"one\ntwo\n", b"one\n"], "one\ntwo\n"),
        ([b"one\ntwo\n", b""], "one\ntwo\n"),
        ([b"one\n", b"nine\nten\n", b"ten\neleven\n"], f"one\n{kept_log.CUT.decode()}"),
        (["ä".encode() * LOG_CHUNK_BYTES], "ä" * LOG_CHUNK_BYTES),
    ],
    ids=["none", "empty", "grows", "older", "gone", "went on too fast", "long"],
)
def test_what_is_kept(fetches: list[bytes], expected: str) -> None:
    for fetched in fetches:
        kept_log.replace(NAME, fetched)
    assert kept() == expected
