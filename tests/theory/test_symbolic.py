"""The symbolic proof: every step decided, closed forms equal to direct values for all d, L <= 8, and able to fail."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from sympy.physics.wigner import clebsch_gordan as sympy_clebsch_gordan

from spectral_ceilings.theory import (
    chain_square,
    clebsch_gordan,
    highest_weight_norm,
    highest_weight_square,
    prove_span_theorem,
    span,
    stretched_coefficient,
    stretched_square,
    symbolic,
    witness_square,
)


def _fraction(value: sp.Rational) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def test_every_step_of_the_proof_holds() -> None:
    steps = prove_span_theorem()
    assert len(steps) == 6
    assert [step.name for step in steps if not step.holds] == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("highest_weight_square", lambda n: sp.factorial(2 * n + 1) / (2**n * sp.factorial(n))),
        ("highest_weight_square", lambda n: sp.factorial(2 * n) / (2**n * sp.factorial(n)) ** 2),
        ("stretched_square", lambda a, b: sp.binomial(a + b, a) / sp.binomial(2 * a + 2 * b, 2 * a)),
        ("chain_square", lambda big, k: -stretched_square(big, k * big)),
    ],
)
def test_a_wrong_closed_form_breaks_the_proof(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object
) -> None:
    monkeypatch.setattr(symbolic, name, wrong)
    assert not all(step.holds for step in prove_span_theorem())


def test_closed_forms_equal_the_witnesses_for_all_d_and_l_max_up_to_8() -> None:
    for l_max in range(1, 9):
        for witness in span(8, l_max).witnesses:
            count, rest = divmod(witness.l, l_max)
            assert _fraction(witness_square(l_max, count, rest)) == witness.coefficient.square


def test_chains_equal_direct_clebsch_gordan_values_for_all_d_and_l_max_up_to_8() -> None:
    for l_max in range(1, 9):
        for k in range(8):
            value = clebsch_gordan(l_max, 0, k * l_max, 0, (k + 1) * l_max, 0)
            assert value.sign == 1
            assert _fraction(chain_square(l_max, k)) == value.square


@pytest.mark.parametrize(("l_max", "k"), [(1, 1), (2, 3), (3, 2), (5, 2), (8, 1)])
def test_chains_equal_sympy(l_max: int, k: int) -> None:
    expected = sympy_clebsch_gordan(l_max, k * l_max, (k + 1) * l_max, 0, 0, 0)
    assert expected > 0
    assert chain_square(l_max, k) == expected**2


def test_symbolic_and_numeric_closed_forms_are_the_same() -> None:
    for a in range(9):
        assert _fraction(highest_weight_square(a)) == highest_weight_norm(a).square
        for b in range(9):
            assert _fraction(stretched_square(a, b)) == stretched_coefficient(a, b).square


def test_the_symbols_are_general() -> None:
    names = {symbol.name for step in prove_span_theorem() for symbol in sp.sympify(step.formula).free_symbols}
    assert {"L", "q", "r", "k", "a", "b"} <= names
