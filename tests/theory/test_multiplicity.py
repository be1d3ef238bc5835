"""Multiplicities against e3nn's symmetric powers, brute-force weight counts and dimension laws."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement
from math import comb
from time import process_time

import pytest
from e3nn import o3

from spectral_ceilings.theory import (
    InputError,
    boundary_multiplicity,
    formal_multiplicities,
    parse_irreps,
    polynomial_multiplicities,
    readout_multiplicities,
    realised_multiplicities,
    relation_multiplicities,
)


def _by_enumeration(irreps: str, degree: int) -> dict[tuple[int, int], int]:
    """Multiplicities by listing every monomial of degree <= `degree`."""
    variables = [
        (m, term.parity)
        for term in parse_irreps(irreps)
        for _ in range(term.copies)
        for m in range(-term.l, term.l + 1)
    ]
    weights: Counter[tuple[int, int]] = Counter()
    for k in range(degree + 1):
        for monomial in combinations_with_replacement(variables, k):
            parity = 1
            for _, p in monomial:
                parity *= p
            weights[sum(m for m, _ in monomial), parity] += 1
    top = max(m for m, _ in weights)
    labels = [(l, p) for l in range(top + 1) for p in (1, -1)]
    found = {
        (l, p): weights[l, p] - weights[l + 1, p] for l, p in labels if weights[l, p] != weights[l + 1, p]
    }
    return dict(sorted(found.items(), key=lambda item: (item[0][0], -item[0][1])))


@pytest.mark.parametrize(
    ("irreps", "degree"), [("0e+1o+2e", 3), ("2x0e+1o", 4), ("2x1e+1o", 3), ("0o+2o", 3), ("3x1o", 2)]
)
def test_counts_equal_the_enumeration_of_monomials(irreps: str, degree: int) -> None:
    assert readout_multiplicities(irreps, degree) == _by_enumeration(irreps, degree)


@pytest.mark.parametrize(
    ("irreps", "formula", "degree"),
    [
        ("2x0e+1o+2e", "ij=ji", 2),
        ("0e+1o+2e", "ij=ji", 2),
        ("1o+1e", "ijk=jik=jki", 3),
        ("2x1o", "ijk=jik=jki", 3),
    ],
)
def test_symmetric_powers_equal_e3nn(irreps: str, formula: str, degree: int) -> None:
    reduced = o3.ReducedTensorProducts(formula, i=irreps).irreps_out
    expected: Counter[tuple[int, int]] = Counter()
    for multiplicity, (l, p) in reduced:
        expected[l, p] += multiplicity
    assert polynomial_multiplicities(parse_irreps(irreps), degree)[degree] == dict(expected)


def test_free_coefficients_of_a_quadratic_readout_of_a_nequip_layer() -> None:
    counts = readout_multiplicities("16x0e+16x1e+16x1o+16x2e+16x2o", 2)
    assert [counts[l, (-1) ** l] for l in range(5)] == [697, 1296, 1328, 768, 272]
    assert max(l for l, _ in counts) == 4


@pytest.mark.parametrize(
    ("irreps", "degree"), [("128x0e+128x1o+128x2e+128x3o", 3), ("5x0o+7x3e", 4), ("1x6o", 5)]
)
def test_dimensions_add_up_to_all_polynomials(irreps: str, degree: int) -> None:
    counts = readout_multiplicities(irreps, degree)
    variables = sum(term.copies * (2 * term.l + 1) for term in parse_irreps(irreps))
    assert sum((2 * l + 1) * count for (l, _), count in counts.items()) == comb(variables + degree, degree)


def test_a_wide_cubic_readout_is_counted_in_under_a_second() -> None:
    start = process_time()
    counts = readout_multiplicities("128x0e+128x1o+128x2e+128x3o", 3)
    assert process_time() - start < 1
    assert counts[9, -1] == comb(130, 3)


def test_formal_multiplicities_of_the_worked_cases() -> None:
    assert formal_multiplicities(2, 2) == (3, 2, 4, 1, 1)
    assert formal_multiplicities(3, 2) == (5, 6, 8, 6, 4, 1, 1)
    assert relation_multiplicities(2, 2) == (2, 1, 3, 0, 0)
    assert formal_multiplicities(5, 0) == (1,)


@pytest.mark.parametrize("degree", range(1, 7))
@pytest.mark.parametrize("l_max", range(1, 7))
def test_the_boundary_saturates_with_multiplicity_one(degree: int, l_max: int) -> None:
    formal = formal_multiplicities(degree, l_max)
    assert len(formal) == degree * l_max + 1
    assert formal[-1] == 1 == boundary_multiplicity(degree)
    assert min(relation_multiplicities(degree, l_max)) >= 0
    dimension = sum((2 * l + 1) * count for l, count in enumerate(formal))
    assert dimension == comb((l_max + 1) ** 2 + degree - 1, degree)
    relations = sum((2 * l + 1) * count for l, count in enumerate(relation_multiplicities(degree, l_max)))
    assert dimension - relations == (degree * l_max + 1) ** 2
    assert set(realised_multiplicities(degree, l_max)) == {1}


@pytest.mark.parametrize("channels", range(1, 5))
@pytest.mark.parametrize("degree", range(1, 4))
def test_the_boundary_multiplicity_of_n_channels(channels: int, degree: int) -> None:
    for l_max in (1, 2, 3):
        assert formal_multiplicities(degree, l_max, channels)[-1] == comb(channels + degree - 1, degree)
    assert boundary_multiplicity(degree, channels) == comb(channels + degree - 1, degree)
    assert boundary_multiplicity(2, 32) == 528


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 2), "degree = 0"),
        ((2, -1), "l_max = -1"),
        ((True, 2), "degree = True"),
        ((2, 2.0), "l_max = 2.0"),
        ((2, 2, 0), "channels = 0"),
        ((40, 40), "degree \\* l_max"),
        ((64, 16, 10**9), "too long"),
    ],
)
def test_what_cannot_be_counted_is_refused_at_once(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        formal_multiplicities(*arguments)
