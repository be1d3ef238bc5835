"""What two devices may differ by: another order of the same sums stays below it, a real difference does not."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.gpu.agreement import differences, fit_tolerance, sum_tolerance
from spectral_ceilings.diagnostic.readouts.compute import one_thread
from spectral_ceilings.diagnostic.readouts.monomials import Monomials
from spectral_ceilings.diagnostic.readouts.ridge import ridge_solutions

ROWS, HELD_OUT = 3_000, 1_000
BASIS = Monomials.of(6, 3)


def data() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, ROWS + HELD_OUT))
    y = x[0] * x[1] + x[2] ** 3 + rng.standard_normal(x.shape[1])
    return torch.from_numpy(x), torch.from_numpy(y[:, None])


def gram_of(
    x: torch.Tensor, size: int, order: np.ndarray, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Return the Gram matrix, summed batch by batch in an order and in a format."""
    total = torch.zeros(BASIS.count, BASIS.count, dtype=dtype)
    for start in range(0, len(order), size):
        values = BASIS.evaluate(x[:, torch.from_numpy(order[start : start + size])]).to(dtype)
        total += BASIS.gram(BASIS.moments(values))
    return total.double()


def r2_of(gram: torch.Tensor) -> np.ndarray:
    """Return R2 on held-out rows at every strength, of standardised columns as the free readout has them."""
    x, y = data()
    scale = gram.diagonal().sqrt() / ROWS**0.5
    train, held = BASIS.evaluate(x[:, :ROWS]), BASIS.evaluate(x[:, ROWS:])
    cross = (train / scale[:, None]) @ y[:ROWS]
    weights = torch.stack(ridge_solutions(gram / torch.outer(scale, scale), cross), dim=0)
    left = y[ROWS:] - (held / scale[:, None]).T @ weights
    return np.asarray(1.0 - left.square().sum(dim=1) / y[ROWS:].square().sum())


@pytest.mark.parametrize("size", [7, 64, 1_000])
@pytest.mark.parametrize("threads", [1, 2])
def test_another_order_of_the_sums_stays_below_the_tolerance(size: int, threads: int) -> None:
    x, _ = data()
    with one_thread():
        known = gram_of(x, ROWS, np.arange(ROWS))
        torch.set_num_threads(threads)
        other = gram_of(x, size, np.random.default_rng(size).permutation(ROWS))
    norm = known.diagonal().sqrt()
    shift = ((other - known).abs() / torch.outer(norm, norm)).max()
    assert 0.0 < shift <= sum_tolerance(ROWS)
    assert np.abs(r2_of(other) - r2_of(known)).max() <= fit_tolerance(BASIS.count, ROWS)


def test_sums_in_float32_a_row_too_many_and_a_lost_batch_do_not() -> None:
    x, _ = data()
    known = gram_of(x, ROWS, np.arange(ROWS))
    norm = known.diagonal().sqrt()
    scale = torch.outer(norm, norm)
    coarse = gram_of(x, 1_000, np.arange(ROWS), torch.float32)
    twice = gram_of(x, 1_000, np.append(np.arange(ROWS), 17))
    for wrong in (coarse, twice):
        assert ((wrong - known).abs() / scale).max() > sum_tolerance(ROWS)
    lost = gram_of(x, 1_000, np.arange(2_000))
    assert np.abs(r2_of(lost) - r2_of(known)).max() > fit_tolerance(BASIS.count, ROWS)


RESULT: dict[str, Any] = {
    "recovery": [{"l": 1, "r2": 0.5, "coefficients": 145, "verdict": "recovered"}],
    "cliff_ratios": [{"value": 5e4, "low": None}],
    "checks": {"equivariance_error": 4e-15},
    "verdict": {"held": True, "sentence": "It recovers 99.1 % and no more."},
    "timings_s": {"features": 3.0},
}


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    out = copy.deepcopy(RESULT)
    inner: Any = out
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return out


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["recovery", 0, "r2"], 0.5 + 1e-9),
        (["cliff_ratios", 0, "value"], 7e4),  # 1/5e4 and 1/7e4 differ by 6e-6
        (["checks", "equivariance_error"], 9e-15),
        (["verdict", "sentence"], "It recovers 99.2 % and no more."),
        (["timings_s", "features"], 0.1),
    ],
)
def test_rounding_and_time_are_no_difference(path: list[Any], value: Any) -> None:
    assert not list(differences(RESULT, changed(path, value), 1e-5))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["recovery", 0, "r2"], 0.5001),
        (["recovery", 0, "r2"], None),
        (["recovery", 0, "coefficients"], 146),
        (["recovery", 0, "verdict"], "partial"),
        (["recovery"], []),
        (["cliff_ratios", 0, "value"], 50.0),
        (["checks", "equivariance_error"], 1e-8),
        (["verdict", "held"], False),
        (["verdict", "held"], 1),
        (["verdict", "sentence"], "It recovers 99.1 % and more."),
        (["recovery", 0, "r2"], float("nan")),
    ],
)
def test_a_real_difference_is_told_with_its_place(path: list[Any], value: Any) -> None:
    (found,) = differences(RESULT, changed(path, value), 1e-5)
    assert found.where.startswith(str(path[0]))
    assert str(path[-1]) in str(found)
