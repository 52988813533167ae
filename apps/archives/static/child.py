"""The limited child process that alone parses and decodes files from outside.

One JSON line comes in on standard input: `operation`, `arguments`, `cpu_seconds`. One JSON line goes out, with the
`length` of the binary body that follows it. A refusal is `{"refused": "<sentence>"}`; a fault of the system, such as a
full disk or a missing file, is `{"errno": <number>}`; `is_spent` asks to be replaced. Whatever else goes wrong ends
the process: its parent then refuses the file and starts another child.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

from .describe import describe
from .limits import allow_cpu_seconds, confine
from .refusals import FileRefused

Answer = tuple[dict[str, Any], bytes]


def main() -> None:
    """Serve requests until standard input ends. Arguments: memory in bytes, pid of the parent."""
    replies = _own_standard_output()
    warnings.simplefilter("ignore")
    confine(memory_bytes=int(sys.argv[1]), parent_pid=int(sys.argv[2]))
    _send(replies, {"ready": True}, b"")
    for line in sys.stdin.buffer:
        _send(replies, *_answer(json.loads(line)))


def _own_standard_output() -> BinaryIO:
    """The pipe to the parent, taken away from native libraries that print."""
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return replies


def _answer(request: dict[str, Any]) -> Answer:
    allow_cpu_seconds(request["cpu_seconds"])
    try:
        return _operation(request["operation"])(**request["arguments"])
    except FileRefused as refusal:
        return {"refused": refusal.sentence}, b""
    except OSError as error:
        return {"errno": error.errno}, b""
    except MemoryError:
        return {"refused": "Reading the file needs more memory than one file may use.", "is_spent": True}, b""


def _operation(name: str) -> Callable[..., Answer]:
    if name == "describe":
        return describe
    # The decoders take longer to import than most children live without needing them.
    from . import operations  # noqa: PLC0415

    return operations.OPERATIONS[name]


def _send(replies: BinaryIO, header: dict[str, Any], body: bytes) -> None:
    replies.write(json.dumps({**header, "length": len(body)}).encode() + b"\n")
    replies.write(body)
    replies.flush()


if __name__ == "__main__":
    main()
