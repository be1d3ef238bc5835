"""What scalarised models can make: counts against exact ranks of Gram polynomials, and against all equivariant polynomials."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
import sympy as sp
from numpy.typing import NDArray

from spectral_ceilings.numerics import rank_mod_p
from spectral_ceilings.theory import (
    InputError,
    parse_irreps,
    polynomial_multiplicities,
    scalarised_multiplicities,
)

PRIME = 8388593


@pytest.mark.parametrize("channels", range(1, 6))
@pytest.mark.parametrize("scalars", [0, 2])
def test_nothing_is_lost_with_vectors(channels: int, scalars: int) -> None:
    """PaiNN's products are complete: two counts that share no line of code, up to relations among four and five vectors."""
    irreps = f"{channels}x1o" + (f"+{scalars}x0e" if scalars else "")
    every = polynomial_multiplicities(parse_irreps(irreps), 8)
    made = scalarised_multiplicities(irreps, 8)
    for key in ((0, 1), (1, -1)):
        assert [level.get(key, 0) for level in made] == [level.get(key, 0) for level in every]
    assert all(set(level) <= {(0, 1), (1, -1)} for level in made)


def _gram_rank(copies: dict[int, int], degree: int, l_out: int) -> int:
    """Rank over F_p of all monomials of a degree in inner products within each l, times a feature of l_out if it is not 0."""
    rng = np.random.default_rng(7)
    points = 400
    features = {l: rng.integers(0, PRIME, (points, n, 2 * l + 1)) for l, n in copies.items()}
    grams: list[NDArray[np.int64]] = []
    for values in features.values():
        for i, j in combinations_with_replacement(range(values.shape[1]), 2):
            grams.append((values[:, i] * values[:, j] % PRIME).sum(axis=1) % PRIME)
    half, rest = divmod(degree - (l_out > 0), 2)
    if rest:
        return 0
    monomials = []
    for chosen in combinations_with_replacement(range(len(grams)), half):
        value = np.ones(points, dtype=np.int64)
        for k in chosen:
            value = value * grams[k] % PRIME
        monomials.append(value)
    rows = np.stack(monomials)
    if l_out:
        rows = np.concatenate(
            [
                (rows[:, :, None] * features[l_out][None, :, channel] % PRIME).reshape(len(rows), -1)
                for channel in range(copies[l_out])
            ]
        )
    return rank_mod_p(rows, PRIME)


@pytest.mark.parametrize("copies", [{2: 1}, {2: 3}, {1: 1, 2: 1, 3: 1}, {1: 4}, {2: 2, 4: 1}], ids=str)
def test_counts_are_ranks_of_gram_polynomials(copies: dict[int, int]) -> None:
    irreps = "+".join(f"{n}x{l}{'o' if l % 2 else 'e'}" for l, n in copies.items())
    made = scalarised_multiplicities(irreps, 4)
    for degree in range(1, 5):
        for l_out in (0, *copies):
            parity = -1 if l_out % 2 else 1
            assert made[degree].get((l_out, parity), 0) == _gram_rank(copies, degree, l_out)


def test_pairs_are_complete_and_triples_are_not() -> None:
    """Degree 2: every invariant is an inner product within one l. Degree 3: the bispectrum is missing, from l = 2 on."""
    for top in range(1, 6):
        irreps = "+".join(f"2x{l}{'o' if l % 2 else 'e'}" for l in range(1, top + 1))
        every, made = polynomial_multiplicities(parse_irreps(irreps), 3), scalarised_multiplicities(irreps, 3)
        assert made[2][0, 1] == every[2][0, 1]
        assert made[3].get((0, 1), 0) == 0
        assert (every[3].get((0, 1), 0) > 0) == (top >= 2)


def test_the_determinant_is_an_invariant_of_rotations_and_none_of_its_own_orthogonal_group() -> None:
    """By SymPy: of the five components of a symmetric traceless matrix, det changes under a turn of O(5)."""
    a, b, c, d, e = sp.symbols("a b c d e")
    # orthonormal components: the squared Frobenius norm is a^2 + b^2 + c^2 + d^2 + e^2
    root = sp.sqrt(2)
    diagonal = (d / root + e / sp.sqrt(6), -d / root + e / sp.sqrt(6), -2 * e / sp.sqrt(6))
    matrix = sp.Matrix(
        [
            [diagonal[0], a / root, b / root],
            [a / root, diagonal[1], c / root],
            [b / root, c / root, diagonal[2]],
        ]
    )
    assert sp.expand((matrix * matrix).trace() - (a**2 + b**2 + c**2 + d**2 + e**2)) == 0
    determinant = sp.expand(matrix.det())
    swapped = determinant.subs({a: e, e: a}, simultaneous=True)  # a reflection of O(5): the norm stays
    assert sp.expand(determinant - swapped) != 0
    every = polynomial_multiplicities(parse_irreps("1x2e"), 3)[3]
    assert every[0, 1] == 1
    assert scalarised_multiplicities("1x2e", 3)[3] == {(2, 1): 1}


def test_no_count_is_above_that_of_all_polynomials() -> None:
    irreps = "2x0e+2x1o+2x2e+1x3o"
    pairs = zip(
        scalarised_multiplicities(irreps, 6), polynomial_multiplicities(parse_irreps(irreps), 6), strict=True
    )
    for made, every in pairs:
        assert all(count <= every[key] for key, count in made.items())


@pytest.mark.parametrize(
    ("irreps", "degree", "message"),
    [
        ("1x1o+1x1e", 2, "hold l = 1 in both parities"),
        ("1x0o+1x1o", 2, "odd scalars"),
        ("1x1o", 41, "degree = 41 is beyond"),
        ("1x1o", 0, "degree = 0"),
        ("nothing", 2, "not an irrep"),
    ],
)
def test_wrong_arguments_are_refused(irreps: str, degree: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scalarised_multiplicities(irreps, degree)
