"""Distinct moments give the same Gram matrix as all products of monomials."""

from itertools import combinations_with_replacement
from math import comb, prod

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic.readouts.monomials import Monomials


@pytest.mark.parametrize(
    ("variables", "degree"), [(1, 1), (70, 1), (6, 2), (16, 2), (5, 3), (9, 3), (3, 4), (2, 6)]
)
def test_values_and_gram_matrix_are_those_of_the_plain_products(variables: int, degree: int) -> None:
    # Small integers: every product and every sum is exact in float64, so the comparison is ==.
    x = np.random.default_rng(variables).integers(-3, 4, size=(variables, 40)).astype(float)
    basis = Monomials.of(variables, degree)
    values = basis.evaluate(torch.from_numpy(x))
    assert basis.count == len(values) == comb(variables + degree, degree)
    expected = {
        tuple(prod((x[i] for i in one), start=np.ones(40)))
        for order in range(degree + 1)
        for one in combinations_with_replacement(range(variables), order)
    }
    assert {tuple(row) for row in values.tolist()} == expected
    assert bool((values[0] == 1.0).all())
    halves = [basis.moments(values[:, part]) for part in (slice(0, 25), slice(25, 40))]
    gram = basis.gram([a + b for a, b in zip(*halves, strict=True)])
    assert torch.equal(gram, values @ values.T)


def test_of_no_variable_the_constant_is_left() -> None:
    """Features that the symmetry of a site makes zero leave no component: the readout is a constant."""
    monomials = Monomials(0, 2)
    values = monomials.evaluate(torch.empty((0, 5), dtype=torch.float64))
    assert torch.equal(values, torch.ones((1, 5), dtype=torch.float64))
    assert torch.equal(
        monomials.gram(monomials.moments(values)), torch.full((1, 1), 5.0, dtype=torch.float64)
    )
