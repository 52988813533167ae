"""How figures are taken and printed: one line each, medians of repeated runs in this process's own run."""

import statistics
import time
from collections.abc import Callable


def median_seconds(action: Callable[[], object], repeat: int) -> float:
    taken = []
    for _ in range(repeat):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def show(name: str, ours: float, unit: str) -> None:
    print(f"bench {name}: ours {_round(ours)} {unit}", flush=True)


def compare(name: str, ours: float, peer: str, theirs: float, unit: str, *, less_is_better: bool = False) -> None:
    """Prints the ratio so that a higher one is better for us."""
    ratio = theirs / ours if less_is_better else ours / theirs
    print(
        f"bench {name}: ours {_round(ours)} {unit}, {peer} {_round(theirs)} {unit}, ratio {_round(ratio)}", flush=True
    )


def _round(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
