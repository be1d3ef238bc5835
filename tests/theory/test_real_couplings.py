"""Real couplings against e3nn and exact products of polynomials; complex ones against `wigners`."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import sqrt

import numpy as np
import pytest
import sympy as sp
import torch
import wigners
from e3nn import o3

from spectral_ceilings.theory import (
    InputError,
    SignedRoot,
    clebsch_gordan,
    real_gaunt,
    real_harmonic,
    real_wigner_3j,
    triangle,
)

_EPS = float(np.finfo(np.float64).eps)


def _float(value: SignedRoot) -> float:
    return value.sign * sqrt(value.square)


@pytest.mark.parametrize("degrees", [d for d in product(range(5), repeat=3) if triangle(*d)])
def test_the_real_3j_equals_e3nn(degrees: tuple[int, int, int]) -> None:
    a, b, c = degrees
    expected = o3.wigner_3j(a, b, c, dtype=torch.float64).numpy()
    orders = product(range(-a, a + 1), range(-b, b + 1), range(-c, c + 1))
    ours = np.array([_float(real_wigner_3j(a, i, b, j, c, k)) for i, j, k in orders]).reshape(expected.shape)
    # e3nn adds up to (2l+1)^3 products of numbers of size at most 1 in float64.
    assert np.abs(ours - expected).max() < (2 * max(degrees) + 1) ** 3 * _EPS


def test_the_real_3j_is_normalised_exactly() -> None:
    for a, b, c in product(range(4), repeat=3):
        orders = product(range(-a, a + 1), range(-b, b + 1), range(-c, c + 1))
        total = sum((real_wigner_3j(a, i, b, j, c, k).square for i, j, k in orders), Fraction(0))
        assert total == (1 if triangle(a, b, c) else 0)


@pytest.mark.parametrize(("a", "b"), [(0, 2), (1, 1), (1, 2), (2, 2), (3, 2)])
def test_real_gaunt_expands_products_of_real_harmonics(a: int, b: int) -> None:
    """Y_a Y_b = sum of real_gaunt Y_c on the sphere, as polynomials made homogeneous with r^2."""
    r2 = sum(axis**2 for axis in sp.symbols("x y z", real=True))
    for alpha, beta in product(range(-a, a + 1), range(-b, b + 1)):
        left = real_harmonic(a, alpha).to_sympy() * real_harmonic(b, beta).to_sympy()
        right = sum(
            real_gaunt(a, alpha, b, beta, c, gamma).to_sympy()
            * real_harmonic(c, gamma).to_sympy()
            * r2 ** ((a + b - c) // 2)
            for c in range(a + b, -1, -2)
            for gamma in range(-c, c + 1)
        )
        assert sp.expand(left - right) == 0


def test_complex_couplings_equal_wigners() -> None:
    generator = np.random.default_rng(3)
    for _ in range(200):
        a, b = (int(n) for n in generator.integers(0, 13, 2))
        alpha, beta = int(generator.integers(-a, a + 1)), int(generator.integers(-b, b + 1))
        c = int(generator.integers(max(abs(a - b), abs(alpha + beta)), a + b + 1))
        expected = wigners.clebsch_gordan(a, alpha, b, beta, c, alpha + beta)
        # wigners evaluates an exact prime factorisation in float64: a few roundings of a number of size at
        # most 1.
        assert abs(_float(clebsch_gordan(a, alpha, b, beta, c, alpha + beta)) - expected) < 16 * _EPS


@pytest.mark.parametrize(
    "labels", [(1, 2, 1, 0, 1, 0), (1, 0, -1, 0, 1, 0), (1, 0, 1, 0, 1, 0.0), (1.0, 0, 1, 0, 1, 0)]
)
def test_wrong_labels_are_named(labels: tuple[int, int, int, int, int, int]) -> None:
    for function in (real_gaunt, real_wigner_3j):
        with pytest.raises(InputError, match="integer"):
            function(*labels)
