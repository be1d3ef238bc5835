"""Exact shares of angular terms against least squares on sampled directions, SymPy's integrals, and laws they must obey."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil

import numpy as np
import pytest
import sympy

from spectral_ceilings.theory import (
    InputError,
    PairTerm,
    ProductTerm,
    TorsionTerm,
    best_share,
    direction_share,
    input_ceiling,
    zero_coupling,
)
from spectral_ceilings.theory.cosines import mean, pairs

TERMS = [
    PairTerm(1),
    PairTerm(2),
    PairTerm(3),
    PairTerm(5),
    ProductTerm(1, 1),
    ProductTerm(1, 2),
    ProductTerm(2, 2),
]


def test_the_best_share_of_three_like_neighbours_with_l_max_1_and_correlation_4_is_3_in_13() -> None:
    """The energies are the span of 1, S, S^2 with S the sum of the three cosines."""
    assert best_share(PairTerm(2), 4, 1, 3, alike=True) == Fraction(3, 13)
    assert [best_share(PairTerm(l), 4, 1, 3, alike=True) for l in (1, 3, 4)] == [1, 0, 0]


@pytest.mark.parametrize("neighbours", [2, 3, 4])
def test_a_pair_term_told_apart_is_seen_up_to_the_bound_and_not_above(neighbours: int) -> None:
    for correlation, l_max, l in product(range(1, 5), range(4), range(1, 8)):
        expected = 1 if l <= input_ceiling(correlation, l_max).boundary else 0
        assert best_share(PairTerm(l), correlation, l_max, neighbours) == expected


def test_shares_grow_with_correlation_and_l_max_and_with_neighbours_told_apart() -> None:
    for term in TERMS:
        shares = {
            (nu, l_max, alike): best_share(term, nu, l_max, 3, alike=alike)
            for nu, l_max, alike in product(range(1, 5), range(4), (True, False))
        }
        for (nu, l_max, alike), share in shares.items():
            assert 0 <= share <= 1
            assert share <= shares.get((nu + 1, l_max, alike), 1)
            assert share <= shares.get((nu, l_max + 1, alike), 1)
            assert share <= shares[nu, l_max, False]
            if isinstance(term, PairTerm) and term.l > input_ceiling(nu, l_max).boundary:
                assert share == 0
            if isinstance(term, PairTerm) and nu >= 2 and term.l <= l_max:
                assert share == 1


def test_products_of_angles_told_apart_follow_from_clebsch_gordan_coefficients() -> None:
    """With l_1 != l_2 no two summands share (l of j, l of k, l of m) but those that the exchange of k and m makes.

    Direction j of P_l1 P_l2 carries l with weight <l1 0 l2 0|l 0>^2, so that weight is in the share exactly if
    ceil(l1/L) + ceil(l2/L) + ceil(l/L) <= nu. l_1 = 1, l_2 = 4: l is 3 or 5, other than l_1 and l_2.
    """
    for nu, l_max in product(range(1, 6), range(1, 4)):
        expected = sum(
            (
                zero_coupling(1, 4, l).square
                for l in (3, 5)
                if sum(ceil(Fraction(part, l_max)) for part in (1, 4, l)) <= nu
            ),
            start=Fraction(0),
        )
        assert best_share(ProductTerm(1, 4), nu, l_max, 3) == expected


def test_means_of_cosines_are_those_of_sympy() -> None:
    """One direction at the pole, one in the plane y = 0: integrals over three remaining angles by SymPy."""
    a, b, phi = sympy.symbols("a b phi", real=True)
    first = a  # cosine to the pole
    second = b
    between = a * b + sympy.sqrt(1 - a**2) * sympy.sqrt(1 - b**2) * sympy.cos(phi)
    for exponents in [(2, 0, 0), (1, 1, 1), (2, 2, 2), (4, 2, 0), (3, 1, 1), (1, 1, 3), (2, 2, 4)]:
        integrand = sympy.expand(first ** exponents[0] * second ** exponents[1] * between ** exponents[2])
        over_phi = sympy.integrate(integrand, (phi, 0, 2 * sympy.pi)) / (2 * sympy.pi)
        value = sympy.integrate(sympy.integrate(sympy.expand(over_phi), (a, -1, 1)), (b, -1, 1)) / 4
        assert sympy.Rational(mean(exponents, 3).numerator, mean(exponents, 3).denominator) == sympy.simplify(
            value
        )


def test_means_of_four_directions_are_those_of_sampled_ones() -> None:
    """Against 200000 sampled quadruples; monomials lie in [-1, 1], so five standard errors are below 5 / sqrt(200000) = .0112."""
    directions = np.random.default_rng(5).normal(size=(200_000, 4, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    cosines = np.stack([np.sum(directions[:, j] * directions[:, k], axis=-1) for j, k in pairs(4)])
    for monomial in [(1, 1, 0, 1, 0, 0), (1, 0, 1, 1, 0, 1), (2, 0, 0, 0, 0, 2), (1, 1, 2, 1, 1, 2)]:
        sampled = np.prod(cosines ** np.array(monomial)[:, None], axis=0)
        error = 5 * float(np.std(sampled)) / np.sqrt(200_000)
        assert abs(float(np.mean(sampled)) - float(mean(monomial, 4))) < error < 0.0112


@pytest.mark.parametrize("arguments", [(0, 1, 3), (2, -1, 3), (2, 1, 1), (2, 1, 5), (6, 3, 3), (2.0, 1, 3)])
def test_wrong_settings_are_named(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=r"correlation = |l_max = |neighbours = |take too long"):
        best_share(PairTerm(1), *arguments)


def test_wrong_terms_are_named() -> None:
    with pytest.raises(InputError, match="no term of a star"):
        best_share("pair", 2, 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="l = 0 is too small"):
        PairTerm(0)
    with pytest.raises(InputError, match="l_second = 17 is beyond"):
        ProductTerm(1, 17)
    with pytest.raises(InputError, match="empty with fewer"):
        best_share(ProductTerm(1, 1), 2, 1, 2)


def test_a_torsion_is_the_cosine_of_its_angle() -> None:
    """On sampled chains, from angles: (sin t1 sin t2)^l cos(l phi).

    Coefficients of the polynomial stay below 1e3 up to l = 5, so its rounding error is below 1e-12.
    """
    u, v, w = np.random.default_rng(3).normal(size=(3, 50, 3))
    u, v, w = (part / np.linalg.norm(part, axis=-1, keepdims=True) for part in (u, v, w))
    uw, vw, uv = (np.sum(x * y, axis=-1) for x, y in ((u, w), (v, w), (u, v)))
    u_across, v_across = u - uw[:, None] * w, v - vw[:, None] * w
    phi = np.arctan2(np.sum(np.cross(u_across, v_across) * w, axis=-1), np.sum(u_across * v_across, axis=-1))
    for l in range(1, 6):
        expected = (np.sqrt(1 - uw**2) * np.sqrt(1 - vw**2)) ** l * np.cos(l * phi)
        value = sum(c * uw**a * vw**b * uv**d for (a, b, d), c in TorsionTerm(l).polynomial().items())
        assert np.max(np.abs(value - expected)) < 1e-12
    assert best_share(TorsionTerm(2), 4, 3) == 0


def test_one_direction_at_a_time_leaves_more() -> None:
    for term, nu, l_max in product(TERMS, range(1, 5), range(4)):
        share = direction_share(term, nu, l_max)
        assert best_share(term, nu, l_max) <= share <= 1
        if isinstance(term, PairTerm):
            assert share == best_share(term, nu, l_max)
    assert (best_share(ProductTerm(2, 2), 4, 1), direction_share(ProductTerm(2, 2), 4, 1)) == (
        Fraction(7, 55),
        Fraction(37, 55),
    )
