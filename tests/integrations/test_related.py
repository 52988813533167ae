"""What other servers send for one object, taken apart; whatever it is, it is an object or a fact."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.integrations.dicomweb.related import OneObject, RelatedInvalid, only_part

BODY = b"--b\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--not b\r\n--b--\r\n"
RELATED = 'multipart/related; type="application/dicom"; boundary='


def taken(body: bytes, content_type: str, size: int) -> bytes:
    return b"".join(only_part((body[at : at + size] for at in range(0, len(body), size)), content_type))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_one_part_is_taken_however_it_is_cut(size: int) -> None:
    for boundary in ("b", '"b"', "b; charset=x"):
        assert taken(BODY, RELATED + boundary, size) == b"DICM\r\n--not b"
    assert taken(b"DICM", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", size) == b"DICM"


@pytest.mark.attacks
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (BODY[:-8], RELATED + "b"),
        (BODY.removesuffix(b"--b--\r\n") + BODY, RELATED + "b"),
        (b"--b--\r\n", RELATED + "b"),
        (b"", RELATED + "b"),
        (b"DICM", RELATED + "b"),
        (BODY, RELATED),
        (BODY, "multipart/related"),
        (BODY, RELATED + "b" * 71),
        (BODY, RELATED + '"\xe4\x00"'),
        (BODY, "text/html"),
        (BODY, ""),
    ],
)
def test_anything_else_is_a_fact(body: bytes, content_type: str) -> None:
    with pytest.raises(RelatedInvalid):
        taken(body, content_type, 5)


def test_what_is_sent_is_as_long_as_it_says_and_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "object.dcm"
    path.write_bytes(b"DICM" * 100_000)
    sent = OneObject(path)
    body = b"".join(sent)
    assert len(body) == len(sent)
    assert taken(body, sent.content_type, 4096) == path.read_bytes()
