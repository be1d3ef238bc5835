"""Coupling tables of the installed packages against exact counts; damaged tables are named."""

import os
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.implementations import CouplingTable, coupling_tables, judge_table
from spectral_ceilings.diagnostic.implementations.exact_rank import rational_rank
from spectral_ceilings.theory import (
    InputError,
    parse_irreps,
    polynomial_multiplicities,
    product_multiplicities,
)

WITHOUT_MACE = "MACE has its own environment: make test-mace"


@cache
def e3nn_tables() -> tuple[CouplingTable, ...]:
    pytest.importorskip("e3nn", reason="e3nn is not installed")
    return tuple(coupling_tables("e3nn", 2, 3))


@cache
def mace_tables() -> tuple[CouplingTable, ...]:
    if not os.environ.get("SPECTRAL_CEILINGS_REQUIRE_MACE"):
        pytest.importorskip("mace", reason=WITHOUT_MACE)
    return tuple(coupling_tables("mace", 3, 3))


def table(number: int) -> CouplingTable:
    """Return one of e3nn's tables, or of the couplings of three features told apart."""
    return e3nn_tables()[number]


@pytest.mark.parametrize("irreps", ["0e+1o", "0e+1o+2e", "2x0e+1e+1o"])
@pytest.mark.parametrize("factors", [1, 2, 3])
def test_chains_are_counted_as_e3nn_multiplies_irreps(irreps: str, factors: int) -> None:
    o3 = pytest.importorskip("e3nn.o3", reason="e3nn is not installed")
    reached = Counter({(0, 1): 1})
    for _ in range(factors):
        longer: Counter[tuple[int, int]] = Counter()
        for left, copies in reached.items():
            for multiplicity, irrep in o3.Irreps(irreps):
                for out in o3.Irrep(*left) * irrep:
                    longer[out.l, out.p] += copies * multiplicity
        reached = longer
    terms = parse_irreps(irreps)
    assert product_multiplicities(*[terms] * factors) == dict(reached)


def test_the_square_is_its_symmetric_and_its_antisymmetric_part() -> None:
    # dim Hom(V_l, V x V) = Sym + Alt, and the trace of V x V's swap is Sym - Alt: each l <= 2L of one V_L once
    for top in range(1, 5):
        terms = parse_irreps(f"1x{top}e")
        product = product_multiplicities(terms, terms)
        symmetric = polynomial_multiplicities(terms, 2)[2]
        assert product == {(l, 1): 1 for l in range(2 * top + 1)}
        assert symmetric == {(l, 1): 1 for l in range(0, 2 * top + 1, 2)}


@pytest.mark.parametrize("factors", [(), ("0e",), ((),)])
def test_a_product_of_nothing_is_refused(factors: tuple[object, ...]) -> None:
    with pytest.raises(InputError):
        product_multiplicities(*factors)  # type: ignore[arg-type]


FRACTIONS = st.fractions(min_value=-4, max_value=4, max_denominator=9)


@settings(max_examples=60, deadline=None)  # the first call compiles
@given(
    st.lists(st.lists(FRACTIONS, min_size=4, max_size=4), min_size=1, max_size=3),
    st.lists(st.lists(FRACTIONS, min_size=3, max_size=3), min_size=1, max_size=6),
)
def test_the_rational_rank_is_sympys(basis: list[list[Fraction]], combinations: list[list[Fraction]]) -> None:
    rows = [
        [sum((a * row[k] for a, row in zip(weights, basis, strict=False)), Fraction(0)) for k in range(4)]
        for weights in combinations
    ]
    expected = sympy.Matrix(
        [[sympy.Rational(x.numerator, x.denominator) for x in row] for row in rows]
    ).rank()
    assert rational_rank(rows) == expected


def test_a_rank_that_one_prime_hides_is_seen() -> None:
    prime = 8388593  # the default of rank_mod_p: the second row is zero modulo it
    assert rational_rank([[Fraction(1), Fraction(1)], [Fraction(1), Fraction(1 + prime)]]) == 2


def test_e3nn_is_complete_and_not_redundant() -> None:
    for verdict in map(judge_table, e3nn_tables()):
        assert verdict.findings == ()
        assert verdict.paths == verdict.independent == verdict.exact
        assert verdict.arithmetic == "rational"


def test_mace_is_complete_and_three_to_fivefold_redundant() -> None:
    verdicts = [judge_table(made) for made in mace_tables() if made.variant == "U_matrix_real"]
    assert len(verdicts) == 18
    assert all(
        verdict.right and verdict.complete and verdict.arithmetic == "rational" for verdict in verdicts
    )
    counts = {(v.factors[0], len(v.factors), v.output): (v.paths, v.independent) for v in verdicts}
    assert [counts["0e+1o+2e+3o", 3, out] for out in ("0e", "1o", "2e")] == [(23, 8), (51, 12), (65, 14)]
    assert [counts["0e+1o+2e", 3, out] for out in ("0e", "1o", "2e")] == [(11, 5), (21, 5), (23, 6)]


def damaged(kind: str, number: int) -> CouplingTable:
    """Damage one table in the way that is named."""
    whole = table(number)
    values = whole.values.copy()
    places = np.argwhere(np.abs(values) > 0.1 * np.abs(values).max())
    place = tuple(places[len(places) // 2])
    if kind == "coefficient":
        values[place] *= 1.001
    elif kind == "sign":
        values[place] *= -1
    elif kind == "missing path":
        values = values[..., :-1]
    elif kind == "path of zeros":
        values[..., -1] = 0
    else:  # axes x and y of l = 1 swapped, in the last factor alone
        values[..., [1, 2], :] = values[..., [2, 1], :]
    return replace(whole, values=values)


@pytest.mark.parametrize("kind", ["coefficient", "sign", "missing path", "path of zeros", "axis swap"])
@pytest.mark.parametrize("number", range(6, 12))
def test_every_damage_is_found(kind: str, number: int) -> None:
    assert judge_table(table(number)).findings == ()
    findings = " ".join(judge_table(damaged(kind, number)).findings)
    expected = {
        "missing path": "1 missing",
        "path of zeros": "is zero",
    }.get(kind, "is not equivariant")
    assert expected in findings


def test_a_table_in_single_precision_is_told_from_a_wrong_one() -> None:
    whole = table(11)
    rounded = replace(whole, values=whole.values.astype(np.float32).astype(np.float64))
    verdict = judge_table(rounded)
    assert (verdict.precision, verdict.complete, verdict.findings) == ("single", True, ())
    assert judge_table(whole).precision == "double"


def test_a_table_of_another_shape_or_with_nan_is_refused() -> None:
    whole = table(0)
    with pytest.raises(InputError, match="does not couple"):
        replace(whole, values=whole.values[:, :-1])
    with pytest.raises(InputError, match="no finite number"):
        replace(whole, values=whole.values * np.nan)


def test_an_unknown_package_is_refused() -> None:
    with pytest.raises(InputError, match="none of e3nn, mace"):
        next(coupling_tables("e4nn"))
