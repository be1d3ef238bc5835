"""Where the numbers are computed: the device of the matrix work and the workers that share the atoms."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.devices import choose_device as choose_device
from ..records.devices import full_products, items_at_once, placed, slices

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Bytes of a batch of readout columns: what stays in a core's cache. A card takes what its free memory holds.
_BATCH_BYTES = 2**22
#: Batches of columns that a fit holds at once: monomials, their parts by degree, and a copy of some rows.
_COPIES = 4


def available_cores() -> int:
    """Return how many cores this process may run on; no more than ``SPECTRAL_CEILINGS_CORES``, where a sweep shares them out."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = os.environ.get("SPECTRAL_CEILINGS_CORES", "")
    return min(cores, int(share)) if share.isdigit() and int(share) > 0 else cores


def available_memory() -> int | None:
    """Return how many bytes of memory are free for this process; None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            table = dict(line.split(":", 1) for line in stream)
        return int(table["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


@dataclass(frozen=True)
class Compute:
    """How a diagnosis is computed; none of it changes a figure beyond float error.

    Attributes
    ----------
    device
        Device of features, Gram matrices and solves: ``cpu``, ``cuda``, ``cuda:1``, or ``auto`` for the first card that can be
        used, else the CPU; the attribute names the device that was chosen.
    workers
        Threads that share the atoms, each with one BLAS thread; the figures do not depend on their number.
    """

    device: str = "cpu"
    workers: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", str(choose_device(self.device)))
        if (
            not isinstance(self.workers, int)
            or isinstance(self.workers, bool)
            or not 1 <= self.workers <= 1024
        ):
            raise InputError(f"workers is {self.workers!r}, expected an integer from 1 to 1024")

    @classmethod
    def choose(cls, device: str = "cpu", workers: int | None = None) -> Compute:
        """Return the given choice, with one worker for each available core where no number is given."""
        return cls(device, available_cores() if workers is None else workers)

    def map(self, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Yield ``task(item)`` of every item, in order, computed by the workers.

        Every task runs on one BLAS thread whatever the number of workers, so that its result is the same to the bit.
        """
        with one_thread(), full_products():
            if self.workers == 1:
                yield from map(task, items)
                return
            start_linear_algebra(self.device)
            pool = ThreadPoolExecutor(self.workers, thread_name_prefix="readout")
            try:
                for future in [pool.submit(task, item) for item in items]:
                    yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def start_linear_algebra(device: str) -> None:
    """Load the solvers of a GPU: torch does it at the first solve, which fails when several threads make it at once."""
    if torch.device(device).type == "cuda":
        matrix = torch.eye(1, dtype=torch.float64, device=device)
        factor, _ = torch.linalg.cholesky_ex(matrix)
        torch.cholesky_solve(matrix, factor)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch's matrix work on one thread in every thread started within; the number is restored afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def tensor(values: NDArray[np.float64] | torch.Tensor, device: str | torch.device = "cpu") -> torch.Tensor:
    """Return a float64 copy of an array on ``device``; a tensor that lies there is returned as it is.

    A copy even on the CPU: torch aligns its memory, and the order of a sum in BLAS may depend on the alignment.
    """
    if isinstance(values, torch.Tensor):
        return values.to(device, torch.float64)
    return torch.tensor(values, dtype=torch.float64, device=device)


def resident(arrays: Sequence[NDArray[np.float64]], device: str | torch.device) -> list[torch.Tensor]:
    """Return arrays as tensors that every fit shares: on the device, or on the host where a card has little room for them."""
    size = sum(array.nbytes for array in arrays)
    where = torch.device(device)
    if where.type == "cuda" and items_at_once(where, max(1.0, float(size)), 0) == 0:
        where = torch.device("cpu")
    return [placed(array, where) for array in arrays]


def batches(total: int, columns: int, device: torch.device) -> Iterator[slice]:
    """Return slices of ``range(total)`` such that a batch of ``columns`` float64 columns is of a good size."""
    width = 8 * max(1, columns)
    wanted = items_at_once(device, _COPIES * width, _BATCH_BYTES // width)
    return slices(total, max(64, wanted // 64 * 64))
