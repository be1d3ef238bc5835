"""Grade weights of directional fields, from SymPy polynomials and exact integrals over the sphere."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

import pytest
import sympy as sp

from spectral_ceilings.theory import DIRECTIONS, Direction, InputError, grade_weights, predicted_recovery

_AXES = sp.symbols("x y z", real=True)
_R2 = sum(axis**2 for axis in _AXES)


def _solid_harmonic(l: int, m: int) -> Any:
    """Return a real solid harmonic of degree l, order m >= 0, from Rodrigues' formula, up to its norm."""
    x, y, z = _AXES
    legendre = sp.Poly(sp.diff((z**2 - 1) ** l, z, l + m), z)
    homogeneous = sum(c * z**n * _R2 ** ((l - m - n) // 2) for (n,), c in legendre.terms())
    return sp.expand(sp.re(sp.expand((x + sp.I * y) ** m)) * homogeneous)


def _laplacian(f: Any) -> Any:
    return sp.expand(sum(sp.diff(f, axis, 2) for axis in _AXES))


def _mean_square(f: Any) -> Fraction:
    """Mean of f^2 over the unit sphere, from the moments of monomials."""
    total = Fraction(0)
    for powers, c in sp.Poly(f**2, *_AXES).terms():
        if all(n % 2 == 0 for n in powers):
            top = prod(sp.factorial2(n - 1) for n in powers)
            total += Fraction(int(c.p), int(c.q)) * Fraction(int(top), int(sp.factorial2(sum(powers) + 1)))
    return total


def _grades(f: Any, n: int) -> dict[int, Fraction]:
    """Power by degree of a homogeneous polynomial f of degree n: f = h_n + r^2 h_{n-2} + ..."""
    powers: dict[int, Fraction] = {}
    # Delta^j (r^2j h_k) = product of 2i(2(k+i)+1) h_k, so the highest power of r^2 is found first.
    rest = sp.expand(f)
    for j in range(n // 2, -1, -1):
        k, image = n - 2 * j, rest
        for _ in range(j):
            image = _laplacian(image)
        harmonic = sp.expand(image / prod(2 * i * (2 * (k + i) + 1) for i in range(1, j + 1)))
        assert _laplacian(harmonic) == 0
        powers[k] = powers.get(k, Fraction(0)) + _mean_square(harmonic)
        rest = sp.expand(rest - _R2**j * harmonic)
    assert rest == 0
    return powers


def _field(direction: str, l: int, m: int) -> tuple[list[Any], int]:
    """Return the Cartesian components as homogeneous polynomials, and their degree."""
    if direction == "solid":
        return [sp.diff(_solid_harmonic(l + 1, m), axis) for axis in _AXES], l
    y = _solid_harmonic(l, m)
    if direction == "fixed":
        return [y, 2 * y, -y], l
    if direction == "radial":
        return [axis * y for axis in _AXES], l + 1
    return [sp.expand(_R2 * sp.diff(y, axis) - l * axis * y) for axis in _AXES], l + 1


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("l", "m"), [(0, 0), (1, 0), (1, 1), (2, 1), (3, 0), (4, 4), (5, 2)])
def test_weights_equal_the_exact_powers_of_the_field(direction: Any, l: int, m: int) -> None:
    if direction == "gradient" and l == 0:
        with pytest.raises(InputError, match="gradient of a constant"):
            grade_weights(direction, l)
        return
    components, n = _field(direction, l, m)
    powers: dict[int, Fraction] = {}
    for component in components:
        for grade, power in _grades(component, n).items():
            powers[grade] = powers.get(grade, Fraction(0)) + power
    total = sum(powers.values())
    weights = {grade: power / total for grade, power in sorted(powers.items()) if power}
    assert weights == grade_weights(direction, l)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_weights_add_up_to_one(direction: Any) -> None:
    for l in range(1, 40):
        assert sum(grade_weights(direction, l).values()) == 1


def test_the_plateaus_at_ceiling_4() -> None:
    expected: dict[Direction, list[Fraction]] = {
        "fixed": [Fraction(1), Fraction(1), Fraction(0), Fraction(0)],
        "solid": [Fraction(1), Fraction(1), Fraction(0), Fraction(0)],
        "radial": [Fraction(1), Fraction(4, 9), Fraction(5, 11), Fraction(0)],
        "gradient": [Fraction(1), Fraction(5, 9), Fraction(6, 11), Fraction(0)],
    }
    for direction, values in expected.items():
        assert [predicted_recovery(direction, l, 4) for l in range(3, 7)] == values


@pytest.mark.parametrize(
    ("direction", "expected"), [("radial", Fraction(1, 3)), ("gradient", Fraction(2, 3))]
)
def test_at_l_1_the_plateau_is_a_mean_which_a_centred_r2_does_not_count(
    direction: Direction, expected: Fraction
) -> None:
    """The field's mean, which every readout has, by exact integration of y r and of the gradient of y on the sphere."""
    x, y, z = _AXES
    field = [y * axis for axis in _AXES] if direction == "radial" else [-y * x, 1 - y * y, -y * z]
    theta, phi = sp.symbols("theta phi", positive=True)
    on_sphere = {x: sp.sin(theta) * sp.sin(phi), y: sp.cos(theta), z: sp.sin(theta) * sp.cos(phi)}

    def mean(expression: Any) -> Any:
        integrand = sp.expand(expression.subs(on_sphere)) * sp.sin(theta) / (4 * sp.pi)
        return sp.integrate(sp.integrate(integrand, (phi, 0, 2 * sp.pi)), (theta, 0, sp.pi))

    constant = sum(mean(component) ** 2 for component in field)
    power = mean(sum(component**2 for component in field))
    assert sp.simplify(constant / power) == sp.Rational(expected.numerator, expected.denominator)
    for boundary in (0, 1):
        assert predicted_recovery(direction, 1, boundary) == expected
        assert predicted_recovery(direction, 1, boundary, centred=True) == 0
    assert predicted_recovery(direction, 1, 2, centred=True) == predicted_recovery(direction, 1, 2) == 1


def test_without_grade_0_centring_changes_nothing() -> None:
    for direction in DIRECTIONS:
        for l in range(2, 8):
            for boundary in range(10):
                centred = predicted_recovery(direction, l, boundary, centred=True)
                assert centred == predicted_recovery(direction, l, boundary)
    with pytest.raises(InputError, match="has no variance"):
        predicted_recovery("fixed", 0, 2, centred=True)


@pytest.mark.parametrize(
    "wrong", [("tangential", 2, 4), ("fixed", -1, 4), ("fixed", 2, -1), ("fixed", 2.0, 4), ("fixed", 2, True)]
)
def test_wrong_arguments_are_refused(wrong: tuple[Any, int, int]) -> None:
    with pytest.raises(InputError):
        predicted_recovery(*wrong)
