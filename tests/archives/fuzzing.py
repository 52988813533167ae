"""Guided random attacks: what reaches a line of code that nothing before it reached is kept and changed further.

`python -m tests.archives.fuzzing 600` attacks each of the DICOMweb doors for ten minutes, from another seed each time,
which it prints; with FUZZ_SEED it begins at that one again. `make test` runs a few hundred rounds from a fixed seed.
"""

import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

SECONDS = int(os.environ.get("FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
_MOST_BYTES = 20_000
_MOST_KEPT = 500

Place = tuple[str, int]


class Fuzzer:
    """Makes inputs out of `corpus` and `tokens`, and learns from which lines of `files` they reach."""

    def __init__(self, corpus: Sequence[bytes], tokens: Sequence[bytes], files: Sequence[str]) -> None:
        self._random = random.Random(SEED)
        self._corpus = list(corpus)
        self._tokens = tokens
        self._files = tuple(str(Path(file)) for file in files)
        self._reached: set[Place] = set()

    def inputs(self, rounds: int) -> Iterator[bytes]:
        """First the corpus, then changes of it: so many, or for FUZZ_SECONDS."""
        ends_at = time.monotonic() + SECONDS
        yield from list(self._corpus)
        for number in itertools.count():
            if time.monotonic() > ends_at if SECONDS else number >= rounds:
                return
            yield self._changed()

    def watch(self, candidate: bytes, attack: Callable[[bytes], None]) -> None:
        """Attacks with an input, and keeps it if it reached something new."""
        seen: set[Place] = set()

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            file = frame.f_code.co_filename
            if not file.endswith(self._files):
                return None
            seen.add((file, frame.f_lineno))
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            attack(candidate)
        finally:
            sys.settrace(before)
        if not seen <= self._reached and len(self._corpus) < _MOST_KEPT:
            self._corpus.append(candidate)
        self._reached |= seen

    def _changed(self) -> bytes:
        content = self._random.choice(self._corpus)
        for _ in range(self._random.randint(1, 4)):
            content = self._random.choice((self._flip, self._cut, self._repeat, self._insert, self._splice))(content)
        return content[:_MOST_BYTES]

    def _slice(self, content: bytes) -> tuple[int, int]:
        begin = self._random.randint(0, len(content))
        return begin, min(begin + self._random.choice((1, 2, 4, 16, 64, 1024)), len(content))

    def _flip(self, content: bytes) -> bytes:
        at = self._random.randint(0, len(content))
        return content[:at] + bytes([self._random.randrange(256)]) + content[at + 1 :]

    def _cut(self, content: bytes) -> bytes:
        begin, end = self._slice(content)
        return content[:begin] + content[end:]

    def _repeat(self, content: bytes) -> bytes:
        begin, end = self._slice(content)
        return content[:end] + content[begin:end] * self._random.choice((1, 2, 50)) + content[end:]

    def _insert(self, content: bytes) -> bytes:
        at = self._random.randint(0, len(content))
        return content[:at] + self._random.choice(self._tokens) + content[at:]

    def _splice(self, content: bytes) -> bytes:
        other = self._random.choice(self._corpus)
        return content[: self._random.randint(0, len(content))] + other[self._random.randint(0, len(other)) :]


def main(seconds: int) -> int:
    seed = os.environ.get("FUZZ_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"FUZZ_SEED={seed}", flush=True)
    environment = {**os.environ, "FUZZ_SECONDS": str(seconds), "FUZZ_SEED": seed}
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--timeout=0",
        "-k",
        "fuzzed",
        "tests/archives/test_dicomweb_fuzz.py",
    ]
    return subprocess.run(tests, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
