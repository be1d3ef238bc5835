"""The span theorem: witnesses multiplied out with SymPy, and closures against exact ranks."""

from __future__ import annotations

from itertools import combinations_with_replacement, pairwise
from math import comb
from typing import Any

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from sympy.physics.wigner import gaunt as sympy_gaunt
from sympy.polys.matrices import DomainMatrix

from spectral_ceilings.theory import (
    InputError,
    SignedRoot,
    chain_witness,
    clebsch_gordan,
    highest_weight_norm,
    span,
    span_of_degrees,
    stretched_witness,
)

_THETA, _PHI = sp.symbols("theta phi", real=True)


def _top_harmonic(l: int) -> Any:
    """Return SymPy's Y_ll in component normalisation."""
    return sp.sqrt(4 * sp.pi) * sp.Ynm(l, l, _THETA, _PHI).expand(func=True)


@pytest.mark.parametrize(("degree", "l_max"), [(1, 3), (2, 2), (2, 3), (3, 2), (5, 1)])
def test_the_witnesses_hold_for_sympy_harmonics(degree: int, l_max: int) -> None:
    theorem = span(degree, l_max)
    assert [witness.l for witness in theorem.witnesses] == list(range(degree * l_max + 1))
    point = {_THETA: sp.Rational(3, 7), _PHI: sp.Rational(2, 5)}
    for witness in theorem.witnesses:
        product = sp.prod([_top_harmonic(b) for b in witness.factors])
        ratio = sp.simplify(product / _top_harmonic(witness.l))
        assert ratio == witness.coefficient.to_sympy()
        assert ratio.subs(point) != 0
        assert len(witness.factors) <= degree


def test_a_general_chain_is_the_coupling_of_harmonics() -> None:
    # [Y_2 x Y_2]_2 at order 0, summed from SymPy harmonics at a rational point of the sphere (cos = 3/5).
    chain = chain_witness((2, 2), (2,))
    c, s = sp.Rational(3, 5), sp.Rational(4, 5)
    y = {m: sp.sqrt(4 * sp.pi) * sp.Ynm(2, m, _THETA, 0).expand(func=True) for m in range(-2, 3)}
    value = {m: y[m].subs({sp.cos(_THETA): c, sp.sin(_THETA): s}) for m in y}
    coupled = sum(clebsch_gordan(2, m, 2, -m, 2, 0).to_sympy() * value[m] * value[-m] for m in range(-2, 3))
    assert sp.nsimplify(coupled / value[0] - chain.coefficient.to_sympy()) == 0
    assert chain.coefficient.sign == -1


def test_the_coefficient_is_the_ratio_of_highest_weight_norms() -> None:
    for degree in range(1, 9):
        for l_max in range(1, 9):
            for witness in span(degree, l_max).witnesses[1:]:
                q, r = divmod(witness.l, l_max)
                ratio = highest_weight_norm(l_max) ** q / highest_weight_norm(witness.l)
                assert witness.coefficient == (ratio * highest_weight_norm(r) if r else ratio)
                assert witness.coefficient.sign == 1


def _couples(a: int, b: int, l: int) -> bool:
    """Whether any integral of three harmonics of these degrees is not zero, by SymPy."""
    orders = [(m, n) for m in range(-a, a + 1) for n in range(-b, b + 1) if abs(m + n) <= l]
    return any(sympy_gaunt(a, b, l, m, n, -m - n) != 0 for m, n in orders)


@pytest.mark.parametrize(
    ("degrees", "degree"), [((2,), 2), ((3,), 2), ((0, 3), 2), ((1,), 3), ((1, 2), 2), ((0,), 3)]
)
def test_closures_equal_those_of_sympy_gaunt_integrals(degrees: tuple[int, ...], degree: int) -> None:
    reached = {0}
    for _ in range(degree):
        reached |= {l for a in reached for b in degrees for l in range(a + b + 1) if _couples(a, b, l)}
    assert span_of_degrees(degrees, degree).reachable == tuple(sorted(reached))


def test_the_worked_sets() -> None:
    assert span_of_degrees({2}, 2).reachable == (0, 2, 4)
    assert span_of_degrees({3}, 2).reachable == (0, 2, 3, 4, 6)
    assert span_of_degrees([3, 3], 1).reachable == (0, 3)
    assert span_of_degrees({0}, 7).reachable == (0,)


@given(st.sets(st.integers(0, 6), min_size=1, max_size=4), st.integers(1, 5))
def test_every_reached_degree_has_a_chain_and_the_closure_grows(degrees: set[int], degree: int) -> None:
    result = span_of_degrees(degrees, degree)
    assert [witness.l for witness in result.witnesses] == list(result.reachable)
    for witness in result.witnesses:
        assert witness.coefficient
        assert set(witness.factors) <= degrees
        # Shortest: first seen in the closure with exactly as many factors.
        assert witness.l in result.closure[len(witness.factors)]
        assert not witness.factors or witness.l not in result.closure[len(witness.factors) - 1]
    for smaller, larger in pairwise(result.closure):
        assert set(smaller) <= set(larger)
    assert result.reachable[-1] == degree * max(degrees)


@given(st.integers(1, 6), st.integers(0, 6))
def test_the_theorem_is_the_closure_of_all_degrees(degree: int, l_max: int) -> None:
    theorem, general = span(degree, l_max), span_of_degrees(range(l_max + 1), degree)
    assert theorem.closure == general.closure
    assert theorem.reachable == tuple(range(degree * l_max + 1))
    assert theorem.dimension == (degree * l_max + 1) ** 2


@pytest.mark.parametrize(("degree", "l_max"), [(2, 1), (3, 1), (2, 2)])
def test_the_dimension_is_the_rank_of_all_monomials(degree: int, l_max: int) -> None:
    """The rank of the evaluation matrix at rational points of the sphere, exactly."""
    x, y, z = sp.symbols("x y z")
    features = [x, y, z] + ([x * y, y * z, z * x, x**2 - y**2, 3 * z**2 - 1] if l_max == 2 else [])
    monomials = [sp.prod(m) for k in range(degree + 1) for m in combinations_with_replacement(features, k)]
    assert len(monomials) == comb(len(features) + degree, degree)
    evaluate = sp.lambdify((x, y, z), monomials, "math")
    rows = []
    for u in range(-3, 4):
        for v in range(-3, 4):
            norm = sp.Integer(u * u + v * v + 1)
            rows.append(evaluate(2 * u / norm, 2 * v / norm, (u * u + v * v - 1) / norm))
    assert DomainMatrix.from_Matrix(sp.Matrix(rows)).to_field().rank() == span(degree, l_max).dimension


@pytest.mark.parametrize(("degree", "l_max"), [(1, 4), (4, 1), (3, 4), (5, 3), (2, 0)])
def test_each_witness_is_the_one_of_the_proof(degree: int, l_max: int) -> None:
    witnesses = [stretched_witness(l, l_max) for l in range(degree * l_max + 1)]
    assert span(degree, l_max).witnesses == tuple(witnesses)


def test_no_top_order_products_for_the_constant() -> None:
    witness = stretched_witness(0, 0)
    assert witness.factors == ()
    assert witness.coefficient == SignedRoot.of(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: span(0, 2), "degree = 0"),
        (lambda: span(2, -1), "l_max = -1"),
        (lambda: span(64, 64), "degree \\* l_max"),
        (lambda: span_of_degrees((), 2), "empty"),
        (lambda: span_of_degrees({1.5}, 2), "l of a feature = 1.5"),
        (lambda: span_of_degrees({-1}, 2), "l of a feature = -1"),
        (lambda: span_of_degrees({2}, 0), "degree = 0"),
        (lambda: stretched_witness(3, 0), "l_max = 0"),
    ],
)
def test_wrong_arguments_are_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
