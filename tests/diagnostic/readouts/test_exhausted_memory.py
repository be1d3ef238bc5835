"""A fit whose batches run out of memory gives the same figures, and asks the device nothing within a batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.readouts import free
from spectral_ceilings.diagnostic.readouts.equivariant import fit_equivariant
from spectral_ceilings.diagnostic.readouts.equivariant_polynomials import EquivariantPolynomials
from spectral_ceilings.diagnostic.readouts.free import fit_free
from spectral_ceilings.diagnostic.readouts.monomials import Monomials
from spectral_ceilings.diagnostic.readouts.polynomial_network import PolynomialNetwork
from spectral_ceilings.diagnostic.readouts.polynomial_network_training import (
    NetworkTraining,
    Optimiser,
    fit_network,
)
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


def test_an_equivariant_fit_that_runs_out_of_memory_gives_the_same_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, exact, split, _ = single_direction(2, 5, 200, 3)
    # What no polynomial gives back: the figures then depend on every training frame.
    signal = exact + 0.3 * np.random.default_rng(5).normal(size=exact.shape)

    def equivariant() -> list[ErrorSums]:
        fits = fit_equivariant(list(features.blocks()), [0], {"marked": {0: signal}}, split, 2, 1.0)
        return [fit.shared["marked"][0] for fit in fits if fit.coefficients]

    whole, refused, columns = equivariant(), [], EquivariantPolynomials.columns

    def small(self: EquivariantPolynomials, values: Sequence[torch.Tensor]) -> torch.Tensor:
        if len(values[0]) > 7:
            refused.append(len(values[0]))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return columns(self, values)

    monkeypatch.setattr(EquivariantPolynomials, "columns", small)
    halved = equivariant()
    assert len(whole) == 5  # l = 0 to 4
    assert len(refused) >= 3 * len(whole)  # scales, Gram matrices and predictions
    for a, b in zip(whole, halved, strict=True):
        # Sums in another order, as above; at most 6 columns.
        np.testing.assert_allclose(a.missed, b.missed, rtol=1e-6, atol=1e-7 * a.injected.max())


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_network_that_runs_out_of_memory_takes_the_same_steps(
    monkeypatch: pytest.MonkeyPatch, optimiser: Optimiser
) -> None:
    x = np.random.default_rng(0).normal(size=(90, 3))
    training = NetworkTraining(optimiser=optimiser, steps=10, batch=40, precision="float64")

    def fitted_network() -> np.ndarray:
        return fit_network(x, x[:, :1] * x[:, 1:2], width=8, training=training).predict(x)

    whole, refused, standardised = fitted_network(), [], PolynomialNetwork.standardised

    def small(self: PolynomialNetwork, some: torch.Tensor) -> torch.Tensor:
        if len(some) > 11:
            refused.append(len(some))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return standardised(self, some)

    monkeypatch.setattr(PolynomialNetwork, "standardised", small)
    # Ten steps, each of which carries roundings of 1e-16 on; Adam divides gradients by their own size.
    np.testing.assert_allclose(fitted_network(), whole, atol=1e-9)
    assert {40, 90} & set(refused)
