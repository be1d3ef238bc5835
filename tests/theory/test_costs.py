"""Costs: each formula against counts by hand, by enumeration, or by a program that counts what it multiplies."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import factorial, pi, sqrt

import numpy as np
import pytest
from scipy.special import sph_harm_y

from spectral_ceilings.theory import (
    coupling_cost,
    feature_cost,
    harmonics_cost,
    polynomial_cost,
    tensor_product_cost,
    triangle,
)


def _harmonics(l_max: int, x: float, y: float, z: float) -> tuple[dict[tuple[int, int], float], int]:
    """Return real harmonics by the recursion of `harmonics_cost`, with a count of its multiplications."""
    count = 0
    cosines, sines = [1.0, x], [0.0, y]
    for m in range(2, l_max + 1):
        cosines.append(x * cosines[m - 1] - y * sines[m - 1])
        sines.append(x * sines[m - 1] + y * cosines[m - 1])
        count += 4

    def size(l: int, m: int) -> float:
        return sqrt((2 * l + 1) / (4 * pi) * factorial(l - m) / factorial(l + m) * (2 if m else 1))

    q: dict[tuple[int, int], float] = {}
    for m in range(l_max + 1):
        # (2m-1)!! is the constant of P_m^m; factors of normalisation are in the coefficients of the recursion
        q[m, m] = size(m, m) * factorial(2 * m) / (2**m * factorial(m))
        for l in range(m + 1, l_max + 1):
            if l == m + 1:
                q[l, m] = (size(l, m) / size(m, m) * (2 * m + 1) * q[m, m]) * z
                count += 1
            else:
                first = size(l, m) / size(l - 1, m) * (2 * l - 1) / (l - m)
                second = size(l, m) / size(l - 2, m) * (l + m - 1) / (l - m)
                q[l, m] = first * z * q[l - 1, m] - second * q[l - 2, m]
                count += 3
    values = {}
    for (l, m), factor in q.items():
        if m == 0:
            values[l, 0] = factor
        else:
            values[l, m], values[l, -m] = factor * cosines[m], factor * sines[m]
            count += 2
    return values, count


@pytest.mark.parametrize("l_max", range(9))
def test_a_recursion_gives_all_harmonics_at_the_cost_that_is_counted(l_max: int) -> None:
    direction = np.array([0.36, 0.48, 0.8])
    values, count = _harmonics(l_max, *direction)
    assert count == harmonics_cost(l_max)
    theta, phi = np.arccos(direction[2]), np.arctan2(direction[1], direction[0])
    for (l, m), value in values.items():
        known = complex(sph_harm_y(l, abs(m), theta, phi)) * (-1) ** m * (sqrt(2) if m else 1)
        # some tens of operations on numbers of order 1
        assert abs(value - (known.imag if m < 0 else known.real)) < 1e-13


@pytest.mark.parametrize(
    ("l_first", "l_second", "l_out"), [(0, 0, 0), (1, 1, 1), (2, 3, 1), (3, 1, 5), (4, 4, 2)]
)
def test_couplings_add_up_one_by_one(l_first: int, l_second: int, l_out: int) -> None:
    expected = sum(
        (2 * a + 1) * (2 * b + 1) * (2 * c + 1)
        for a in range(l_first + 1)
        for b in range(l_second + 1)
        for c in range(l_out + 1)
        if triangle(a, b, c)
    )
    assert coupling_cost(l_first, l_second, l_out) == expected


def test_features_cost_harmonics_and_a_product_for_each_neighbour() -> None:
    # L = 1 by hand: 000, 011, 101, 110, 111: 1 + 9 + 9 + 9 + 27
    assert feature_cost(1) == 3 + 55
    assert feature_cost(1, 8, 5) == 5 * (3 + 8 * 55)
    assert feature_cost(1, 8, 5, both_parities=True) == 5 * (3 + 16 * 55)
    assert feature_cost(0, 4, 3) == 12


@pytest.mark.parametrize(
    ("degree", "l_max", "channels"), [(1, 3, 2), (2, 1, 1), (2, 2, 2), (3, 1, 2), (4, 1, 1)]
)
def test_every_monomial_is_counted(degree: int, l_max: int, channels: int) -> None:
    components = range(channels * (l_max + 1) ** 2)
    monomials = (m for k in range(2, degree + 1) for m in combinations_with_replacement(components, k))
    assert polynomial_cost(degree, l_max, channels) == sum(1 for _ in monomials)


@pytest.mark.parametrize(
    ("degree", "l_max", "l_out"), [(1, 3, 3), (2, 2, 4), (2, 2, 1), (3, 1, 3), (3, 2, 1), (4, 2, 8)]
)
def test_the_cost_adds_up_the_couplings_one_by_one(degree: int, l_max: int, l_out: int) -> None:
    expected = 0
    for k in range(1, degree):
        left = min(k * l_max, l_out + (degree - k) * l_max)
        for a in range(left + 1):
            for b in range(l_max + 1):
                for c in range(l_out + (degree - k - 1) * l_max + 1):
                    if triangle(a, b, c):
                        expected += (2 * a + 1) * (2 * b + 1) * (2 * c + 1)
    assert tensor_product_cost(degree, l_max, l_out) == expected
    assert tensor_product_cost(degree, l_max, l_out, 7) == 7 * expected
