"""Orientations in a weak field: exact series against closed forms by SymPy, against SciPy's quadrature and against SO(3)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, special

from spectral_ceilings.numerics import rotation_spectrum, so3_quadrature
from spectral_ceilings.theory import (
    InputError,
    bessel_i,
    dipole_mean,
    exponential_grades,
    first_order_bound,
    first_order_mean,
    haar_mean_square_torque,
    mean_series,
    torque_series,
)

X = sp.Symbol("x", positive=True)


def _canonical(
    potential: Callable[[float], float], observable: Callable[[float], float], beta: float
) -> float:
    """Mean by SciPy's adaptive quadrature over t = cos(theta)."""
    above, below = (
        integrate.quad(lambda t, f=f: f(t) * np.exp(-beta * potential(t)), -1, 1, epsabs=1e-13, epsrel=1e-13)[
            0
        ]
        for f in (observable, lambda t: 1.0)
    )
    return above / below


def test_the_series_in_a_dipole_field_is_that_of_langevin() -> None:
    expected = sp.series(-(sp.coth(X) - 1 / X), X, 0, 12).removeO()
    assert [sp.Rational(value.numerator, value.denominator) for value in mean_series({1: 1}, 1, 11)] == [
        expected.coeff(X, k) for k in range(12)
    ]


@pytest.mark.parametrize("l", range(5))
def test_closed_forms_in_a_dipole_field(l: int) -> None:
    series = sp.series(dipole_mean(l, X), X, 0, 7).removeO()
    assert [sp.Rational(value.numerator, value.denominator) for value in mean_series({1: 1}, l, 6)] == [
        sp.expand(series).coeff(X, k) for k in range(7)
    ]
    for x in (0.5, 3.0):
        measured = _canonical(lambda t: t, lambda t: special.eval_legendre(l, t), x)
        # closed forms cancel like x^-l in floating point: evaluated by SymPy with 30 digits
        exact = sp.N(dipole_mean(l, sp.Rational(str(x))), 30)
        assert abs(measured - float(exact)) < 1e-11


@pytest.mark.parametrize("l", range(1, 7))
def test_first_order_is_the_first_coefficient(l: int) -> None:
    c = Fraction(3, 7)
    assert mean_series({l: c}, l, 1)[1] == Fraction(str(first_order_mean(l, c, 1)))
    assert mean_series({l: c, l + 1: 5}, l, 1)[1] == Fraction(str(first_order_mean(l, c, 1)))


@pytest.mark.parametrize("l", [1, 2, 3, 6])
def test_torque_and_order_are_tied_at_every_temperature(l: int) -> None:
    r"""beta <tau^2> = -c l (l+1) <P_l>, coefficient by coefficient, twenty orders of beta."""
    c = Fraction(2, 3)
    means, torques = mean_series({l: c}, l, 21), torque_series({l: c}, 20)
    assert means[0] == 0
    assert torques == tuple(-c * l * (l + 1) * mean for mean in means[1:])


def test_torque_without_weights_is_the_sum_over_grades() -> None:
    potential = {1: Fraction(1, 2), 2: Fraction(-3), 5: Fraction(1, 7)}
    grades = {l: sp.Rational(str(c**2 / (2 * l + 1))) for l, c in potential.items()}
    assert torque_series(potential, 0)[0] == Fraction(str(haar_mean_square_torque(grades)))


@pytest.mark.parametrize("beta", [0.1, 0.2])
def test_series_against_quadrature(beta: float) -> None:
    """The rest of the series by Cauchy: for complex |beta| <= 1/2, |V| <= 13/12, so |Z| >= 2 - e^(13/24) > 0.28 and
    |<P_l>| < e^(13/24) / 0.28 < 6.2; the terms above order 40 add up to less than 6.2 (2 beta)^41 / (1 - 2 beta) < 1e-15."""
    potential = {1: Fraction(1, 2), 2: Fraction(1, 3), 3: Fraction(-1, 4)}

    def energy(t: float) -> float:
        return float(sum(float(c) * special.eval_legendre(l, t) for l, c in potential.items()))

    for l in (1, 2, 3):
        terms = [float(value) for value in mean_series(potential, l, 40)]
        measured = _canonical(energy, lambda t, l=l: special.eval_legendre(l, t), beta)
        assert (
            abs(float(np.polynomial.Polynomial(terms)(beta)) - measured) < 1e-12
        )  # the quadrature's tolerance


def test_bounds_from_grades_hold_and_are_attained() -> None:
    """First-order means of random potentials on SO(3), by a quadrature that is exact for them, stay below the bound."""
    quadrature = so3_quadrature(8)
    axis = quadrature.rotations[:, 2, 2]  # u.z
    rng = np.random.default_rng(4)
    for _ in range(5):
        # any polynomial of degree two in the matrix of the rotation has grades up to l = 2
        entries = quadrature.rotations.reshape(len(quadrature), 9)
        potential = entries @ rng.normal(size=9) + np.einsum(
            "ri,ij,rj->r", entries, rng.normal(size=(9, 9)), entries
        )
        grades = rotation_spectrum(potential, quadrature, 4)
        for l in (1, 2):
            mean = -quadrature.weights @ (potential * special.eval_legendre(l, axis))
            assert abs(mean) <= float(first_order_bound(l, grades[l], 1)) * (1 + 1e-12)
    for l in (1, 2, 3):
        grade = sp.Rational(1, 2 * l + 1)  # of P_l
        assert first_order_bound(l, grade, X) == -first_order_mean(l, 1, X)


@pytest.mark.parametrize("l", range(6))
def test_bessel_functions_are_those_of_scipy(l: int) -> None:
    for x in (sp.Rational(1, 2), sp.Integer(2)):
        assert abs(float(sp.N(bessel_i(l, x), 30)) - special.spherical_in(l, float(x))) < 1e-14


def test_grades_of_exponential_fields_by_quadrature_on_rotations() -> None:
    """i-PI's field for water on one body axis: exact grades against a quadrature on SO(3)."""
    strengths = (1, sp.Rational(1, 2), 2)
    quadrature = so3_quadrature(40)
    u = quadrature.rotations[:, :, 2]
    energy = sum(np.exp(float(a) * u[:, k]) for k, a in enumerate(strengths))
    measured = rotation_spectrum(energy, quadrature, 8)
    exact = [float(sp.N(exponential_grades(l, strengths), 30)) for l in range(9)]
    # the field is analytic: what lies above the quadrature's band, l = 32, is below (2^32 / 65!!)^2 < 1e-60
    assert np.allclose(measured, exact, rtol=0, atol=1e-12 * exact[0])
    one = [float(sp.N(exponential_grades(l, [2]), 30)) for l in range(9)]
    assert np.allclose(
        rotation_spectrum(np.exp(2 * u[:, 2]), quadrature, 8), one, rtol=0, atol=1e-12 * one[0]
    )


def test_the_toy_field_of_water_is_not_weak() -> None:
    """0.02 hartree at 300 K: l = 1 alone is 38 kT, the whole spans 163 kT; without the cross term l = 2 is off by a third."""
    hartree_in_kt = 1 / (3.1668115634556e-6 * 300)  # CODATA 2018: k in hartree/K
    strengths = (1, sp.Rational(1, 2), 2)
    first = float(sp.N(sp.sqrt(exponential_grades(1, strengths)))) * 0.02 * hartree_in_kt
    assert round(first) == 38
    u = so3_quadrature(60).rotations[:, :, 2]
    energy = 0.02 * hartree_in_kt * (np.exp(u[:, 0]) + np.exp(u[:, 1] / 2) + np.exp(2 * u[:, 2]))
    assert abs(energy.max() - energy.min() - 163) < 2  # on a grid, which need not hold the extremes
    squares = sum(5 * bessel_i(2, a) ** 2 for a in strengths)
    assert round(float(sp.N(squares / exponential_grades(2, strengths) - 1)), 2) == 0.33


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: first_order_mean(0, 1, 1), "l = 0"),
        (lambda: first_order_bound(65, 1, 1), "l = 65 is beyond"),
        (lambda: bessel_i(1, 0), "x = 0 has no closed form"),
        (lambda: exponential_grades(1, [1, 2, 3, 4]), "one to three numbers"),
        (lambda: mean_series({1: 0.5}, 1, 2), "coefficient of l = 1 is 0.5"),  # type: ignore[dict-item]
        (lambda: mean_series({1: 1}, 1, 41), "order = 41 is beyond"),
        (lambda: torque_series({-1: 1}, 2), "l = -1"),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
