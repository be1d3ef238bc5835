"""What every step of the GPU benchmark shares: the devices, the clock, the rows that it prints."""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import torch

_T = TypeVar("_T")


@dataclass
class Row:
    """One measurement: the same work on the device and on all cores of the CPU.

    Attributes
    ----------
    device_s, cpu_s
        Seconds; None where it was not run there.
    target
        What is aimed at, in words, and ``met``; none decides the exit status.
    shift, allowed
        How far the numbers of the two are apart, and how far they may be; ``agrees`` says whether they are.
    device_mb, rss_mb
        Peak of the device's memory in this row, and of the process's resident memory so far.
    """

    step: str
    what: str
    size: str
    device_s: float | None = None
    cpu_s: float | None = None
    target: str = ""
    met: bool | None = None
    shift: float | None = None
    allowed: float | None = None
    agrees: bool | None = None
    device_mb: float | None = None
    rss_mb: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster the device is."""
        return self.cpu_s / self.device_s if self.device_s and self.cpu_s else None

    def compared(self, shift: float, allowed: float) -> Row:
        """Keep how far the numbers are apart."""
        self.shift, self.allowed, self.agrees = float(shift), float(allowed), bool(shift <= allowed)
        return self

    def as_dict(self) -> dict[str, object]:
        """Return the row as JSON-ready data."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass
class Run:
    """Where a step runs, and until when."""

    step: str
    device: str
    small: bool
    out: Path
    until: float
    rows: list[Row] = field(default_factory=list)

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return torch.device(self.device).type == "cuda"

    @property
    def left(self) -> float:
        """Seconds that the step may still take."""
        return self.until - time.monotonic()

    def wait(self) -> None:
        """Wait for the device."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def timed(self, work: Callable[[str], _T], device: str, runs: int = 3) -> tuple[float, _T]:
        """Return the median of the seconds that work takes on a device, and its result; one run before them warms up."""
        spent = []
        result = work(device)
        self.wait()
        for _ in range(runs):
            start = time.perf_counter()
            result = work(device)
            self.wait()
            spent.append(time.perf_counter() - start)
        return statistics.median(spent), result

    def start_memory(self) -> None:
        """Count the device's memory from now on."""
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats(self.device)

    def memory(self, row: Row) -> Row:
        """Keep the peaks of memory."""
        if self.on_gpu:
            row.device_mb = torch.cuda.max_memory_allocated(self.device) / 2**20
        row.rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in kB
        return row

    def give(self, row: Row) -> None:
        """Print a row as soon as it is there; what is printed is kept when the step is stopped."""
        self.rows.append(row)
        print(json.dumps(row.as_dict()), flush=True)
