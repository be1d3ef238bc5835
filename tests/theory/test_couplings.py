"""Couplings against SymPy's own implementation, and the laws they obey, exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from sympy import Integer, sqrt
from sympy import pi as sympy_pi
from sympy.physics.quantum.cg import CG
from sympy.physics.wigner import clebsch_gordan as sympy_clebsch_gordan
from sympy.physics.wigner import gaunt as sympy_gaunt

from spectral_ceilings.theory import (
    InputError,
    SignedRoot,
    clebsch_gordan,
    gaunt,
    highest_weight_norm,
    product_allowed,
    product_coefficient,
    product_degrees,
    stretched_coefficient,
    triangle,
    zero_coupling,
)


def _signed_square(expression: object) -> tuple[int, Fraction]:
    value = Integer(1) * expression  # type: ignore[operator]
    square = value**2
    return int(bool(value > 0)) - int(bool(value < 0)), Fraction(int(square.p), int(square.q))


def test_every_coefficient_up_to_degree_3_equals_sympy() -> None:
    checked = 0
    for a, b in product(range(4), repeat=2):
        for c in range(abs(a - b), a + b + 1):
            for alpha, beta in product(range(-a, a + 1), range(-b, b + 1)):
                if abs(alpha + beta) <= c:
                    expected = sympy_clebsch_gordan(a, b, c, alpha, beta, alpha + beta)
                    value = clebsch_gordan(a, alpha, b, beta, c, alpha + beta)
                    assert (value.sign, value.square) == _signed_square(expected)
                    checked += 1
    assert checked > 600


@pytest.mark.parametrize(
    "labels", [(7, 3, 5, -4, 9, -1), (12, -5, 9, 9, 4, 4), (20, 1, 20, -1, 0, 0), (8, 8, 8, 8, 16, 16)]
)
def test_large_degrees_equal_sympy(labels: tuple[int, int, int, int, int, int]) -> None:
    a, alpha, b, beta, c, gamma = labels
    value = clebsch_gordan(*labels)
    assert (value.sign, value.square) == _signed_square(CG(a, alpha, b, beta, c, gamma).doit())


@pytest.mark.parametrize(("a", "b"), [(2, 3), (4, 4), (6, 2)])
def test_coupled_states_are_orthonormal(a: int, b: int) -> None:
    for gamma in range(-(a + b), a + b + 1):
        pairs = [(alpha, gamma - alpha) for alpha in range(-a, a + 1) if abs(gamma - alpha) <= b]
        degrees = range(max(abs(a - b), abs(gamma)), a + b + 1)
        columns = [[clebsch_gordan(a, alpha, b, beta, c, gamma) for alpha, beta in pairs] for c in degrees]
        for i, first in enumerate(columns):
            assert sum((x.square for x in first), Fraction(0)) == 1
            for second in columns[:i]:
                # Products are roots of rationals; SymPy adds them exactly.
                assert sum((x * y).to_sympy() for x, y in zip(first, second, strict=True)).simplify() == 0


def test_coefficients_vanish_exactly_outside_the_selection_rules() -> None:
    for a, b, c in product(range(7), repeat=3):
        assert bool(zero_coupling(a, b, c)) == product_allowed(a, b, c)
        assert product_allowed(a, b, c) == (c in product_degrees(a, b))
        assert bool(clebsch_gordan(a, 0, b, 0, c, 0)) == product_allowed(a, b, c)
        if not triangle(a, b, c):
            assert not any(clebsch_gordan(a, m, b, -m, c, 0) for m in range(-min(a, b), min(a, b) + 1))


def test_closed_forms_equal_the_general_one() -> None:
    for a, b in product(range(13), repeat=2):
        assert stretched_coefficient(a, b) == clebsch_gordan(a, 0, b, 0, a + b, 0)
        assert stretched_coefficient(a, b).sign == 1
        for c in range(abs(a - b), a + b + 1):
            assert zero_coupling(a, b, c) == clebsch_gordan(a, 0, b, 0, c, 0)


def test_gaunt_equals_sympy_up_to_the_stated_normalisation() -> None:
    for a, b, c in product(range(4), repeat=3):
        for alpha, beta in product(range(-a, a + 1), range(-b, b + 1)):
            gamma = -alpha - beta
            if abs(gamma) <= c:
                expected = sympy_gaunt(a, b, c, alpha, beta, gamma) * 2 * sqrt(sympy_pi)
                value = gaunt(a, alpha, b, beta, c, gamma)
                assert (value.sign, value.square) == _signed_square(expected)


def test_product_of_top_orders_is_of_top_order_with_the_product_coefficient() -> None:
    for a, b in product(range(9), repeat=2):
        ratio = highest_weight_norm(a) * highest_weight_norm(b) / highest_weight_norm(a + b)
        assert ratio == product_coefficient(a, b, a + b)
        assert ratio.sign == 1


@pytest.mark.parametrize(
    "labels", [(-1, 0, 1, 0, 1, 0), (1.0, 0, 1, 0, 1, 0), (1, 0.5, 1, 0, 1, 0), (True, 0, 1, 0, 1, 0)]
)
def test_wrong_labels_are_named(labels: tuple[int, int, int, int, int, int]) -> None:
    with pytest.raises(InputError, match="integer"):
        clebsch_gordan(*labels)


def test_orders_out_of_range_give_zero() -> None:
    assert not clebsch_gordan(1, 2, 1, 0, 2, 2)
    assert not clebsch_gordan(1, 1, 1, 0, 2, 0)


def test_signed_roots_form_a_group_and_print_as_read() -> None:
    root = SignedRoot.root(Fraction(3, 5), -1)
    assert root * root == SignedRoot.of(Fraction(3, 5))
    assert root / root == SignedRoot.of(1) == root**0
    assert -root * SignedRoot.of(-2) == SignedRoot.root(Fraction(12, 5), -1)
    assert [str(x) for x in (root, SignedRoot.of(Fraction(-2, 3)), SignedRoot.of(0))] == [
        "-sqrt(3/5)",
        "-2/3",
        "0",
    ]
    assert root.to_sympy() == -sqrt(15) / 5
    assert root.to_json() == {"sign": -1, "square": "3/5"}
    for sign, square in ((1, 0), (0, 1), (2, 1), (1, -1)):
        with pytest.raises(InputError, match="no signed root"):
            SignedRoot(sign, Fraction(square))
