"""How figures are taken and printed: one line each, medians of repeated runs in this process's own run."""

import statistics
import time
from collections.abc import Callable


def median_seconds(action: Callable[[], object], repeat: int) -> float:
    return statistics.median(seconds_of(action) for _ in range(repeat))


def seconds_of(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def show(name: str, ours: float, unit: str, *, target: float | None = None) -> None:
    """`target` is what is wanted at most."""
    print(f"bench {name}: ours {_round(ours)} {unit}{_wanted(target)}", flush=True)


def compare(
    name: str,
    ours: float,
    peer: str,
    theirs: float,
    unit: str,
    *,
    less_is_better: bool = False,
    target: float | None = None,
) -> None:
    """Prints the ratio so that a higher one is better for us; `target` is the one that is wanted at least."""
    ratio = theirs / ours if less_is_better else ours / theirs
    sides = f"ours {_round(ours)} {unit}, {peer} {_round(theirs)} {unit}"
    print(f"bench {name}: {sides}, ratio {_round(ratio)}{_wanted(target)}", flush=True)


def _wanted(target: float | None) -> str:
    return "" if target is None else f", target {_round(target)}"


def _round(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
