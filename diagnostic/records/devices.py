"""The device that computes: what it is called, how much of its memory is free, and what happens when that runs out.

The same code runs on every device. A card gets larger batches, and nothing else differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from .machine_errors import out_of_memory

_Result = TypeVar("_Result")

#: Part of a card's free memory that a batch may take: what a batch needs is an estimate.
_PART = 0.25


class OutOfDeviceMemory(RuntimeError):
    """Not even one item fits into the memory of a device, told in one sentence."""


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` is the first card that can be used, else the CPU.

    Raises
    ------
    InputError
        There is no such device, or it has no float64.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        try:
            return choose_device("cuda")
        except InputError:
            return torch.device("cpu")
    try:
        device = torch.device(name)
        if device.type == "meta":
            raise TypeError("it holds no numbers")
        torch.ones(1, dtype=torch.float64, device=device)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError, ImportError) as error:
        kinds = ["auto", "cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
        raise InputError(
            f"device {str(name)!r} cannot be used here with float64{_why(error)}; give one of {', '.join(kinds)}"
        ) from error
    return device


def _why(error: BaseException) -> str:
    """Return what torch says of a device in brackets: its first sentence, where that is no list of names."""
    said = (str(error).splitlines() or [""])[0].split(". ")[0].strip().rstrip(".")
    return f" ({said})" if 0 < len(said) <= 100 and "device()" not in said else ""


def placed(values: NDArray[Any] | torch.Tensor, device: str | torch.device) -> torch.Tensor:
    """Return numbers on a device, in their own format; without a copy where they lie there already.

    Examples
    --------
    >>> placed(np.arange(3.0), "cpu")
    tensor([0., 1., 2.], dtype=torch.float64)
    """
    if isinstance(values, torch.Tensor):
        return values.to(device)
    plain = np.asarray(values)
    # torch shares memory with arrays that it could write to and whose strides are positive; of others it takes a copy.
    if not plain.flags.writeable or min(plain.strides, default=0) < 0:
        plain = plain.copy()
    return torch.from_numpy(plain).to(device)


def device_versions(device: str) -> dict[str, str]:
    """Return ``{"device": ...}``, the card and its CUDA, for the versions of a result; nothing for the CPU."""
    where = torch.device(device)
    if where.type == "cpu":
        return {}
    if where.type != "cuda":
        return {"device": str(where)}
    return {"device": f"{where}, {torch.cuda.get_device_name(where)}, CUDA {torch.version.cuda}"}


def items_at_once(device: str | torch.device, each: float, on_cpu: int) -> int:
    """Return how many items of ``each`` bytes make a batch: ``on_cpu`` on the CPU, on a card what its free memory holds.

    A card's batch is never smaller than the CPU's: where that is too much, :func:`halving` divides it.
    """
    where = torch.device(device)
    if where.type != "cuda":
        return on_cpu
    free, _ = torch.cuda.mem_get_info(where)
    # What torch keeps of memory that it no longer needs is not free to others, and is to us.
    kept = torch.cuda.memory_reserved(where) - torch.cuda.memory_allocated(where)
    return max(on_cpu, int(_PART * (free + kept) / each))


def slices(total: int, size: int) -> Iterator[slice]:
    """Yield the parts of ``range(total)`` of ``size`` items each, the last with what is left.

    Examples
    --------
    >>> [(part.start, part.stop) for part in slices(5, 2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


def halving(run: Callable[[slice], _Result], parts: Iterable[slice]) -> Iterator[tuple[slice, _Result]]:
    """Yield (part, ``run(part)``) of all items in order; where memory runs out, of halves of the part.

    Once memory ran out, no later part is larger than what was tried next. Products are full ones within (no TF32).

    Parameters
    ----------
    run
        Computes some items. Called again with fewer after it ran out of memory, so that it must leave nothing half done.
    parts
        Runs of items.

    Raises
    ------
    OutOfDeviceMemory
        Not even one item fits.

    Examples
    --------
    >>> [rows for rows, _ in halving(lambda rows: None, [slice(0, 3), slice(3, 5)])]
    [slice(0, 3, None), slice(3, 5, None)]
    """
    most: int | None = None
    for part in parts:
        start = part.start
        while start < part.stop:
            size = part.stop - start if most is None else min(most, part.stop - start)
            some = slice(start, start + size)
            try:
                with full_products():
                    answer = run(some)
            except OutOfDeviceMemory:
                raise  # told by what divides batches within, which has no smaller one
            except (RuntimeError, MemoryError) as error:
                if not (isinstance(error, MemoryError) or out_of_memory(error)):
                    raise
                words = " ".join(str(error).split())[:200]
            else:
                yield some, answer
                start = some.stop
                continue
            # The error is gone by now, and with it the frames that held what had been computed.
            if size == 1:
                raise OutOfDeviceMemory(
                    f"memory ran out on the smallest batch, one item ({words}); finished parts are kept: take smaller "
                    "structures, a lower degree or a card with more memory, or --device cpu"
                )
            most = size // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


@contextmanager
def full_products() -> Iterator[None]:
    """Multiply float32 matrices in float32 within, not in TF32, whose products have 10 bits; restored afterwards.

    torch has older and newer switches for this, and will not say how the older ones stand where a caller has used the newer. Both
    are set where they can be read, so that whoever asks within hears the same from each.
    """
    matmul = _standing(torch.get_float32_matmul_precision)
    convolutions = _standing(lambda: torch.backends.cudnn.allow_tf32)
    newer = [(each, each.fp32_precision) for each in _newer_switches()]
    if matmul is not None:
        torch.set_float32_matmul_precision("highest")
    if convolutions is not None:
        torch.backends.cudnn.allow_tf32 = False
    for each, _ in newer:
        each.fp32_precision = "ieee"
    try:
        yield
    finally:
        if matmul is not None:
            torch.set_float32_matmul_precision(matmul)
        if convolutions is not None:
            torch.backends.cudnn.allow_tf32 = convolutions
        for each, before in newer:
            each.fp32_precision = before


def _newer_switches() -> list[Any]:
    """Return what has a switch of its own in torch from 2.9 on: matrix products of each library, and cuDNN's layers."""
    backends: Any = torch.backends
    every = [
        getattr(backends.cuda, "matmul", None),
        *(getattr(backends.cudnn, name, None) for name in ("conv", "rnn")),
        *(getattr(backends.mkldnn, name, None) for name in ("matmul", "conv", "rnn")),
    ]
    return [each for each in every if _standing(partial(getattr, each, "fp32_precision")) is not None]


def _standing(ask: Callable[[], _Result]) -> _Result | None:
    """Return how a switch stands; None where torch has none, or does not say."""
    try:
        return ask()
    except (AttributeError, RuntimeError):
        return None
