"""A fit whose batches run out of memory gives the same figures, and asks the device nothing within a batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.readouts import free
from spectral_ceilings.diagnostic.readouts.free import fit_free
from spectral_ceilings.diagnostic.readouts.monomials import Monomials
from spectral_ceilings.diagnostic.recovery.error_sums import ErrorSums

from single_directions import single_direction


class _Asked(TorchDispatchMode):
    """Counts how often a device is asked for a number, which makes the CPU wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@contextmanager
def room_for(samples: int) -> Iterator[list[int]]:
    """Let monomials of more samples run out of memory; give the sizes that did."""
    refused: list[int] = []
    evaluate = Monomials.evaluate

    def small(self: Monomials, features: torch.Tensor) -> torch.Tensor:
        if features.shape[1] > samples:
            refused.append(features.shape[1])
            raise torch.OutOfMemoryError("CUDA out of memory")
        return evaluate(self, features)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Monomials, "evaluate", small)
        yield refused


def fitted() -> list[ErrorSums]:
    features, signal, split, residual = single_direction(2, 5, 200, 3)
    orientations = Orientations.draw(split, 5, np.random.default_rng(4), times=(8, 4, 4))
    return fit_free(list(features.blocks()), 0, signal, residual, orientations, 2, 1.0)[0]


@pytest.fixture(autouse=True)
def _one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    def whole(total: int, columns: int, device: torch.device) -> Iterator[slice]:
        yield slice(0, total)

    monkeypatch.setattr(free, "batches", whole)


def test_a_fit_that_runs_out_of_memory_gives_the_same_figures() -> None:
    whole = fitted()
    with room_for(30) as refused:
        halved = fitted()
    assert len(refused) >= 8  # in the Gram matrix, on the validation frames and on the held-out ones
    for a, b in zip(whole, halved, strict=True):
        for name in ("injected", "missed", "before", "after"):
            # Sums in another order: N eps on a Gram matrix of condition at most 21 columns / 1e-7 gives 2e-16 * 2.1e8 = 5e-8.
            np.testing.assert_allclose(
                getattr(a, name), getattr(b, name), rtol=1e-6, atol=1e-7 * np.abs(a.before).max()
            )


def test_nothing_waits_for_the_device_within_a_batch() -> None:
    with _Asked() as once:
        fitted()
    with room_for(30), _Asked() as often:
        fitted()
    assert often.count == once.count  # as many questions however many batches there are
