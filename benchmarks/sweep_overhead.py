"""What the sweep engine costs: seconds a cell and memory, with cells that do nothing.

    python -m benchmarks.sweep_overhead [--cells 100 1000 10000] [--workers 2]

Prints one JSON object a line: cells, wall and processor milliseconds a cell (start-up included, and by itself), the highest
memory of the sweep's own process and of any of its workers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measure(cells: int, workers: int, root: Path) -> dict[str, float]:
    """Run a sweep of empty cells in this process and return what it took."""
    from spectral_ceilings.sweeps.run_sweep import sweep

    start, processor = time.perf_counter(), _processor()
    definition = {"stages": [{"job": "empty", "grid": {"number": list(range(cells))}}]}
    result = sweep(definition, root, workers=workers)
    assert result.complete
    wall, spent = time.perf_counter() - start, _processor() - processor
    first, last = float("inf"), 0.0
    for cell in result.store:
        began = cell.record["started"]
        first, last = min(first, began), max(last, began + cell.record["wall_s"])
    busy = last - first
    return {
        "cells": cells,
        "workers": workers,
        "wall_s": round(wall, 1),
        "wall_ms_a_cell": round(1e3 * wall / cells, 2),
        "wall_ms_a_cell_after_start": round(1e3 * busy / cells, 2),
        "processor_ms_a_cell": round(1e3 * spent / cells, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "peak_mb_workers": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
    }


def _processor() -> float:
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(t.ru_utime + t.ru_stime for t in times)


def main() -> None:
    """Measure each number of cells in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="*", default=[100, 1000, 10_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(asked.cells[0], asked.workers, Path(folder) / "sweep")), flush=True)
        return
    for cells in asked.cells:
        command = [sys.executable, "-m", "benchmarks.sweep_overhead", "--one", "--cells", str(cells)]
        subprocess.run([*command, "--workers", str(asked.workers)], check=True)


if __name__ == "__main__":
    main()
