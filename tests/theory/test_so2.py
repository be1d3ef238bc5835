"""Convolutions of SO(2): exact ranks, SymPy's coefficients, and the laws of what m_max takes away."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy.physics.quantum.cg import CG

from spectral_ceilings.theory import (
    InputError,
    SignedRoot,
    so2_components,
    so2_couplings,
    so2_table,
    so2_torsion_order,
)

LS = st.integers(0, 6)


@given(LS, LS, st.integers(0, 8))
def test_dimensions_are_exact_ranks(l_in: int, l_out: int, m_max: int) -> None:
    couplings = so2_couplings(l_in, l_out, m_max)
    assert couplings.ranks() == (couplings.full, couplings.kept, couplings.lost)
    assert couplings.kept == 2 * min(l_in, l_out, m_max) + 1
    assert len(couplings.paths) == couplings.full
    assert couplings.bandwidth == couplings.paths[-1] == l_in + l_out
    assert couplings.bandwidth_witness
    assert couplings.bandwidth_witness.square == so2_couplings(l_in, l_out, 0).basis()[0][-1].square


@given(LS, LS)
def test_rows_are_orthonormal_exactly(l_in: int, l_out: int) -> None:
    basis = so2_couplings(l_in, l_out).basis()
    assert len(basis) == 2 * min(l_in, l_out) + 1
    for i, first in enumerate(basis):
        for j, second in enumerate(basis):
            # A product of two rows is a common root times rational numbers: sum squares of ratios to the first product.
            products = [a * b for a, b in zip(first, second, strict=True) if a and b]
            total = sum(
                (
                    sympy.sqrt(sympy.Rational(p.square.numerator, p.square.denominator)) * p.sign
                    for p in products
                ),
                start=sympy.Integer(0),
            )
            assert total == (i == j)


def test_coefficients_are_those_of_sympy() -> None:
    couplings = so2_couplings(2, 3, 1)
    for m, row in zip((-1, 0, 1), couplings.basis(), strict=True):
        for l2, value in zip(couplings.paths, row, strict=True):
            assert CG(2, m, 3, -m, l2, 0).doit() == value.to_sympy()


def test_the_restricted_space_is_where_high_orders_vanish() -> None:
    # Every q in the span of rows up to m_max is annihilated by all other rows, and no other q is: rows are orthonormal.
    full, kept = so2_couplings(3, 4).basis(), so2_couplings(3, 4, 1).basis()
    assert set(kept) <= set(full)
    matrix = sympy.Matrix([[value.to_sympy() for value in row] for row in full if row not in kept])
    null = matrix.nullspace()
    assert len(null) == so2_couplings(3, 4, 1).kept
    for row in kept:
        assert all(sympy.simplify(entry) == 0 for entry in matrix * sympy.Matrix([v.to_sympy() for v in row]))


@given(st.integers(0, 5), st.integers(0, 6))
def test_what_is_lost_and_what_is_not(l_max: int, m_max: int) -> None:
    table = so2_table(l_max, m_max)
    assert len(table) == (l_max + 1) ** 2
    for entry in table:
        if 0 in (entry.l_in, entry.l_out) or m_max >= min(entry.l_in, entry.l_out):
            assert entry.lost == 0
        else:
            assert entry.lost == 2 * (min(entry.l_in, entry.l_out) - m_max) > 0
    assert so2_torsion_order(l_max, m_max) == max(entry.torsion_order for entry in table) == min(l_max, m_max)
    assert so2_torsion_order(l_max, m_max, 3) == 3 * min(l_max, m_max)
    assert so2_components(l_max, m_max) == sum(2 * min(l, m_max) + 1 for l in range(l_max + 1))
    assert so2_components(l_max, l_max) == (l_max + 1) ** 2


def test_a_number_that_is_known() -> None:
    # m = 0 from l = 1 to l = 1: Y_1 (Y_1 . h), a third of the trace and 2/3 of the quadrupole.
    (row,) = so2_couplings(1, 1, 0).basis()
    assert row == (
        SignedRoot(-1, Fraction(1, 3)),
        SignedRoot(0, Fraction(0)),
        SignedRoot(1, Fraction(2, 3)),
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: so2_couplings(-1, 2), "l_in = -1"),
        (lambda: so2_couplings(1, 2.0), "l_out = 2.0"),  # type: ignore[arg-type]
        (lambda: so2_couplings(1, 2, -1), "m_max = -1"),
        (lambda: so2_table(17, 2), "l_max = 17"),
        (lambda: so2_couplings(17, 2).ranks(), "l_in = 17"),
        (lambda: so2_torsion_order(2, 2, 0), "degree = 0"),
        (lambda: so2_components(2, True), "m_max = True"),
    ],
)
def test_wrong_input_is_told_in_one_sentence(wrong: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        wrong()  # type: ignore[operator]
