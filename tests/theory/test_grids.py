"""Grids of the sphere: exactness against integrals that SymPy and SciPy make, and the laws of the smallest grid."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import roots_legendre

from spectral_ceilings.theory import (
    InputError,
    SphereGrid,
    activation,
    fairchem_grid,
    fairchem_resolution,
    grid_degree,
    grid_degree_needed,
    polar_moments,
    s2_activation_resolution,
    smallest_grid,
)
from spectral_ceilings.theory.grids import sine_moment

RULES = st.sampled_from(["gauss", "fejer"])


def _mean(power: int) -> Fraction:
    return Fraction((power + 1) % 2, power + 1)


@given(RULES, st.integers(1, 24), st.integers(1, 50))
def test_the_degree_is_where_the_first_exact_moment_or_order_fails(
    rule: str, polar: int, azimuthal: int
) -> None:
    moments = polar_moments(rule, polar, 2 * polar)
    first = next(k for k, moment in enumerate(moments) if moment != _mean(k))
    grid = SphereGrid(rule, polar, azimuthal)
    assert grid.polar_degree == first - 1
    assert grid.degree == min(first, azimuthal) - 1
    l, m = grid.missed
    assert l == grid.degree + 1
    assert m in (0, azimuthal)
    assert (moments[l] != _mean(l)) if m == 0 else (m == l and sine_moment(rule, polar, l + l % 2) > 0)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_moments_of_gauss_are_those_of_sympys_nodes(size: int) -> None:
    t = sympy.Symbol("t")
    nodes = sympy.Poly(sympy.legendre(size, t), t).all_roots() if size < 4 else None
    if nodes is not None:
        slope = sympy.diff(sympy.legendre(size, t), t)
        weights = [1 / ((1 - x**2) * slope.subs(t, x) ** 2) for x in nodes]
        for power, moment in enumerate(polar_moments("gauss", size, 2 * size + 2)):
            exact = sympy.simplify(sum(w * x**power for w, x in zip(weights, nodes, strict=True)))
            assert exact == sympy.Rational(moment.numerator, moment.denominator)
    # The error of t^(2N) in closed form.
    leak = Fraction(2**size * factorial(size) ** 2, factorial(2 * size)) ** 2 / (2 * size + 1)
    assert _mean(2 * size) - polar_moments("gauss", size, 2 * size)[-1] == leak


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_moments_of_fejer_are_exact_trigonometric_sums(size: int) -> None:
    betas = [sympy.pi * (2 * i + 1) / (2 * size) for i in range(size)]
    weights = [
        sympy.Rational(1, size)
        * (1 - 2 * sum(sympy.cos(2 * k * b) / (4 * k * k - 1) for k in range(1, (size + 1) // 2)))
        for b in betas
    ]
    for power, moment in enumerate(polar_moments("fejer", size, size + 3)):
        exact = sum(w * sympy.cos(b) ** power for w, b in zip(weights, betas, strict=True))
        assert sympy.simplify(exact - sympy.Rational(moment.numerator, moment.denominator)) == 0


def test_large_gauss_rules_agree_with_scipy() -> None:
    nodes, weights = roots_legendre(40)
    for power in (0, 10, 79, 80, 90):
        moment = polar_moments("gauss", 40, 90)[power]
        # 40 terms, each with the rounding of node and weight.
        assert abs(float((weights * nodes**power).sum()) / 2 - float(moment)) < 40 * power * 1e-15 + 1e-15


@given(st.integers(1, 12), st.integers(0, 12), st.integers(0, 12), RULES)
def test_the_smallest_grid_is_exact_and_no_smaller_one_is(
    degree: int, l_max: int, l_out: int, rule: str
) -> None:
    needed = grid_degree_needed(degree, l_max, l_out)
    assert needed == degree * l_max + l_out
    grid = smallest_grid(degree, l_max, l_out, rule)
    assert grid.degree >= needed
    assert SphereGrid(rule, grid.polar, grid.azimuthal - 1).degree < needed if needed else True
    step = 2 if rule == "fejer" else 1
    if rule == "gauss" or grid.polar > 2 * max(l_max, l_out) + 2:
        fewer = grid.polar - step
        assert fewer == 0 or SphereGrid(rule, fewer, grid.azimuthal).degree < needed
    if l_max:
        assert grid.exact_degree(l_max, l_out) >= degree


@given(st.integers(1, 8), st.integers(1, 8))
def test_options_of_e3nn_and_fairchem_are_the_smallest_that_are_exact(degree: int, l_max: int) -> None:
    needed = grid_degree_needed(degree, l_max)
    res = s2_activation_resolution(degree, l_max)
    assert grid_degree("fejer", res, res - 1) >= needed
    assert res == 2 * l_max + 2 or grid_degree("fejer", res - 2, res - 3) < needed
    resolution = fairchem_resolution(degree, l_max)
    assert grid_degree("fejer", resolution, resolution) >= needed
    assert resolution == 2 * l_max + 2 or grid_degree("fejer", resolution - 2, resolution - 2) < needed


def test_known_grids() -> None:
    assert [fairchem_grid(l).exact_degree(l) for l in (1, 2, 3, 4, 6)] == [2, 1, 1, 1, 1]
    assert SphereGrid("fejer", 18, 18).exact_degree(6) == 1
    assert SphereGrid("fejer", 20, 19).exact_degree(6) == 2
    assert SphereGrid("fejer", 2, 18).exact_edge_degree(2) == 7
    assert fairchem_grid(6, 2) == SphereGrid("fejer", 14, 5)
    assert fairchem_grid(6, 2).exact_edge_degree(2) == 1
    assert SphereGrid("gauss", 1, 1).exact_degree(1) == 0


def test_the_rate_of_an_activation_is_that_of_its_nearest_singularity() -> None:
    rho = sympy.Symbol("rho", positive=True)
    for name, pole in (("silu", sympy.pi), ("sigmoid", sympy.pi), ("tanh", sympy.pi / 2)):
        rate = activation(name).rate()
        # r is the parameter of the ellipse through i pole: (r - 1/r) / 2 = pole / rho.
        assert sympy.simplify((rate - 1 / rate) / 2 - pole / rho) == 0
    assert activation("gelu").rate() == sympy.oo
    assert activation("relu").rate() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: SphereGrid("lebedev", 4, 4), "lebedev"),
        (lambda: SphereGrid("gauss", 0, 4), "polar = 0"),
        (lambda: SphereGrid("gauss", 4, 5000), "5000"),
        (lambda: smallest_grid(100, 100), "10100|below 4096"),
        (lambda: smallest_grid(0, 2), "degree = 0"),
        (lambda: grid_degree_needed(2, -1), "l_max = -1"),
        (lambda: fairchem_grid(2, 3), "m_max = 3"),
        (lambda: SphereGrid("gauss", 4, 4).exact_degree(0), "l_max = 0"),
        (lambda: sine_moment("gauss", 4, 3), "power = 3"),
        (lambda: activation("swish"), "swish"),
    ],
)
def test_wrong_input_is_told_in_one_sentence(wrong: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        wrong()  # type: ignore[operator]


def test_numpy_integers_are_integers() -> None:
    assert SphereGrid("fejer", np.int64(6), np.int32(7)).degree == 5
