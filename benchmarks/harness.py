"""Alternating timings of this package against another way to the same result, one JSON object per measurement."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

#: Runs of each side; the median of them counts.
RUNS = 5


@dataclass(frozen=True)
class Measurement:
    """One line of ``python -m benchmarks NAME --json``.

    ``ratio`` is peer_s / ours_s: above 1 we are faster. ``peak_mb`` is the highest resident memory of the process so far.
    """

    name: str
    size: str
    threads: int
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    peak_mb: float

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


#: Name -> function that yields measurements; modules named ``*_bench.py`` define it as BENCHMARKS.
Registry = dict[str, Callable[[], Iterator[Measurement]]]


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def threads() -> int:
    """Number of threads that numerical libraries were told to use."""
    return int(os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1)))


def peak_mb() -> float:
    """Highest resident memory of this process and its children in MB."""
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(process, children) / 1024  # Linux counts in kB


def compare(
    name: str,
    size: str,
    ours: Callable[[], float],
    peer_name: str,
    peer: Callable[[], float],
    runs: int = RUNS,
) -> Measurement:
    """Run both sides in turn, `runs` times each, and compare the medians.

    `ours` and `peer` return the seconds that count, so that what is prepared for a run stays outside of it.
    """
    pairs = [(ours(), peer()) for _ in range(runs)]
    ours_s = statistics.median(pair[0] for pair in pairs)
    peer_s = statistics.median(pair[1] for pair in pairs)
    return Measurement(name, size, threads(), ours_s, peer_name, peer_s, peer_s / ours_s, peak_mb())


def against_limit(
    name: str, size: str, ours: Callable[[], float], limit_s: float, runs: int = RUNS
) -> Measurement:
    """Compare the median of our runs with a stated limit."""
    ours_s = statistics.median(ours() for _ in range(runs))
    return Measurement(
        name, size, threads(), ours_s, f"limit of {limit_s:g} s", limit_s, limit_s / ours_s, peak_mb()
    )
