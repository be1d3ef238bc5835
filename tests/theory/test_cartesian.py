"""Cartesian tensors and matrix products in irreps, against e3nn, SymPy's traces and exact ranks over a finite field."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy as sp
from e3nn import o3
from numpy.typing import NDArray

from spectral_ceilings.numerics import rank_mod_p
from spectral_ceilings.theory import (
    InputError,
    cartesian_irreps,
    matrix_product_paths,
    parse_irreps,
    polynomial_multiplicities,
)

PRIME = 8388593
THIRD = pow(3, -1, PRIME)
HALF = (PRIME + 1) // 2


@pytest.mark.parametrize(("rank", "formula"), [(1, "i"), (2, "ij"), (3, "ijk")])
def test_tensors_decompose_as_e3nn_says(rank: int, formula: str) -> None:
    tensors = o3.ReducedTensorProducts(formula, **dict.fromkeys(formula, "1o"))
    assert o3.Irreps(cartesian_irreps(rank)) == tensors.irreps_out.sort().irreps.simplify()


@pytest.mark.parametrize("rank", range(8))
def test_dimensions_add_up(rank: int) -> None:
    assert o3.Irreps(cartesian_irreps(rank)).dim == 3**rank
    assert parse_irreps(cartesian_irreps(rank))[-1].l == rank


def test_the_paths_are_those_of_a_tensor_product() -> None:
    allowed = {(a, b, c) for a, b, c in product(range(3), repeat=3) if abs(a - b) <= c <= a + b}
    assert set(matrix_product_paths("SO(3)")) == allowed
    assert set(matrix_product_paths()) == {path for path in allowed if sum(path) % 2 == 0}


def test_a_commutator_of_symmetric_matrices_is_the_path_that_yields_to_symmetrisation() -> None:
    """The path (2, 2, 1) by SymPy: the product of two symmetric matrices has a skew part, their anticommutator has none."""
    a, b = (
        sp.Matrix(3, 3, lambda i, j, name=name: sp.Symbol(f"{name}{min(i, j)}{max(i, j)}")) for name in "ab"
    )
    single, both = a * b, a * b + b * a
    assert sp.expand(single - single.T) != sp.zeros(3)
    assert sp.expand(both - both.T) == sp.zeros(3)


def _part(values: NDArray[np.int64], l: int) -> NDArray[np.int64]:
    turned = values.swapaxes(-1, -2)
    if l == 1:
        return (values - turned) * HALF % PRIME
    trace = (
        np.trace(values, axis1=-2, axis2=-1)[..., None, None]
        * np.eye(3, dtype=np.int64)
        % PRIME
        * THIRD
        % PRIME
    )
    return trace if l == 0 else ((values + turned) * HALF - trace) % PRIME


def _generated(degree: int, channels: int, *, both: bool) -> list[int]:
    """Return how many independent covariants with values in matrices products of matrices make, by degree."""
    rng = np.random.default_rng(0)
    points = 40 * channels
    start = rng.integers(0, PRIME, (channels, points, 3, 3))
    bases = {1: np.concatenate([_part(start, l) for l in range(3)])}
    counts = [len(bases[1])]
    for k in range(2, degree + 1):
        made = []
        for i in range(1, k // 2 + 1 if both else k):
            for left in bases[i]:
                products = np.matmul(left, bases[k - i]) % PRIME
                if both:
                    products = (products + np.matmul(bases[k - i], left)) % PRIME
                made += [_part(products, l) for l in range(3)]
        rows = np.concatenate(made)
        # keep independent rows only, so that the next degree stays small
        flat = rows.reshape(len(rows), -1)
        rank = rank_mod_p(flat, PRIME)
        counts.append(rank)
        if k == degree:
            break
        kept: list[int] = []
        step = max(1, len(flat) // 8)
        for first in range(0, len(flat), step):
            for row in range(first, min(first + step, len(flat))):
                if len(kept) < rank and rank_mod_p(flat[[*kept, row]], PRIME) == len(kept) + 1:
                    kept.append(row)
        bases[k] = rows[kept]
    return counts


def _exact(degree: int, channels: int, *, both: bool) -> list[int]:
    terms = parse_irreps("+".join(f"{channels}x{name}" for name in ("0e", "1o", "2e")))
    levels = polynomial_multiplicities(terms, degree)[1:]
    kept = [(0, 1), (1, -1), (2, 1)]
    if not both:
        kept += [(l, -p) for l, p in kept]
    return [sum(level.get(key, 0) for key in kept) for level in levels]


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize(("degree", "channels"), [(4, 1), (3, 2)])
def test_matrix_products_make_every_covariant(degree: int, channels: int, both: bool) -> None:
    """Every equivariant polynomial with values 0 + 1 + 2: exact ranks against exact multiplicities, degree by degree."""
    assert _generated(degree, channels, both=both) == _exact(degree, channels, both=both)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="rank = 257"):
        cartesian_irreps(257)
    with pytest.raises(InputError, match="group = 'U'"):
        matrix_product_paths("U")  # type: ignore[arg-type]
