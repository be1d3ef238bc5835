"""Upper bounds on polynomial approximation, against linear programs that bound it from below."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from spectral_ceilings.numerics import (
    activation_values,
    approximation_error,
    degree_for_error,
    grid_error_bound,
    grid_for_error,
)
from spectral_ceilings.theory import InputError, SphereGrid, activation

NAMES = ("silu", "gelu", "softplus", "relu", "tanh", "sigmoid")


def _from_below(name: str, degree: int, bound: float, points: int = 200) -> float:
    """The best polynomial on finitely many points: no more than E_d."""
    u = np.cos(np.pi * (np.arange(points) + 0.5) / points)
    columns = np.polynomial.chebyshev.chebvander(u, degree)
    values = activation_values(name, bound * u)
    ones = np.ones((points, 1))
    rows = np.block([[columns, -ones], [-columns, -ones]])
    cost = np.zeros(degree + 2)
    cost[-1] = 1
    free = [(None, None)] * (degree + 1) + [(0, None)]
    return float(linprog(cost, rows, np.concatenate([values, -values]), bounds=free, method="highs").x[-1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bound", [0.7, 4.0, 20.0])
def test_the_bound_holds_and_is_close(name: str, bound: float) -> None:
    for degree in (1, 2, 3, 6, 7):
        below, above = _from_below(name, degree, bound), approximation_error(name, degree, bound)
        # HiGHS keeps to constraints to 1e-7, which is what a small error drowns in.
        assert below <= above + 1e-7 * (1 + bound)
        # The sum of Chebyshev coefficients is at most twice E_d where they fall, 2.2 for |x|.
        assert above <= 2.3 * below + 1e-6 * (1 + bound)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_torch(name: str) -> None:
    functions = {"silu": torch.nn.functional.silu, "gelu": torch.nn.functional.gelu, "relu": torch.relu,
                 "softplus": torch.nn.functional.softplus, "tanh": torch.tanh, "sigmoid": torch.sigmoid}  # fmt: skip
    x = torch.linspace(-8, 8, 401, dtype=torch.float64)
    np.testing.assert_allclose(
        activation_values(name, x.numpy()), functions[name](x).numpy(), rtol=1e-12, atol=1e-9
    )


@given(st.sampled_from(NAMES), st.integers(1, 60), st.floats(0.1, 50))
def test_bounds_fall_with_the_degree_and_grow_with_the_range(name: str, degree: int, bound: float) -> None:
    error = approximation_error(name, degree, bound)
    assert 0 < approximation_error(name, degree + 1, bound) <= error * (1 + 1e-12)
    useful = activation(name).useful_degree(degree)
    assert useful <= degree
    assert approximation_error(name, useful, bound) == error


@pytest.mark.parametrize(("name", "pole"), [("silu", np.pi), ("sigmoid", np.pi), ("tanh", np.pi / 2)])
def test_the_error_falls_at_the_rate_of_theory(name: str, pole: float) -> None:
    bound = 4.0
    rate = (pole + np.sqrt(pole**2 + bound**2)) / bound
    first = 20 if activation(name).symmetry == "even" else 21
    fall = approximation_error(name, first, bound) / approximation_error(name, first + 4, bound)
    # E_d ~ d^0 r^-d for a simple pole; what is next is smaller by r^-2 for each degree.
    assert fall ** (1 / 4) == pytest.approx(rate, rel=1e-2)


@given(st.sampled_from(["silu", "gelu", "tanh"]), st.floats(0.1, 20), st.floats(1e-8, 1))
def test_the_degree_for_an_error_is_the_lowest(name: str, bound: float, error: float) -> None:
    degree = degree_for_error(name, bound, error)
    assert 2 * approximation_error(name, degree, bound) <= error
    assert degree == 1 or 2 * approximation_error(name, degree - 1, bound) > error
    found, grid = grid_for_error(name, bound, error, 3)
    assert found == degree
    limit = grid_error_bound(grid, name, bound, 3)
    assert limit is not None
    assert limit <= error


def test_relu_takes_many() -> None:
    degree = degree_for_error("relu", 1.0, 1e-2)
    assert degree % 2 == 0
    assert (
        2 * approximation_error("relu", degree, 1.0)
        <= 1e-2
        < 2 * approximation_error("relu", degree - 1, 1.0)
    )


def test_a_grid_that_is_not_exact_for_linear_maps_has_no_bound() -> None:
    assert grid_error_bound(SphereGrid("fejer", 4, 5), "silu", 1.0, 3) is None
    assert grid_error_bound(SphereGrid("fejer", 8, 9), "silu", 1.0, 1, 5) is None
    assert grid_error_bound(SphereGrid("fejer", 14, 13), "silu", 1.0, 3) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: approximation_error("swish", 2, 1.0),
        lambda: approximation_error("silu", 0, 1.0),
        lambda: approximation_error("silu", 2, -1.0),
        lambda: approximation_error("silu", 2, float("nan")),
        lambda: approximation_error("silu", 2, 1e9),
        lambda: approximation_error("silu", 2, "three"),  # type: ignore[arg-type]
        lambda: degree_for_error("silu", 1.0, 0.0),
        lambda: degree_for_error("silu", 1000.0, 1e-12),
        lambda: grid_for_error("silu", 1.0, 1e-3, 0),
        lambda: grid_error_bound(SphereGrid("fejer", 8, 9), "swish", 1.0, 2),
    ],
)
def test_wrong_input_is_refused(wrong: object) -> None:
    with pytest.raises(InputError):
        wrong()  # type: ignore[operator]
