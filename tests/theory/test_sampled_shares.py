"""Exact shares against least squares over energies of sampled stars: moments contracted by NumPy's einsum, fitted by NumPy."""

from __future__ import annotations

from itertools import pairwise, permutations
from math import comb

import numpy as np
import pytest
from scipy.special import eval_legendre

from spectral_ceilings.theory import PairTerm, ProductTerm, best_share

_SAMPLES = 12_000
#: At most p = 60 independent columns overfit by p / n = .005, and R2 of n samples scatters by less than 2 sqrt(kurtosis / n),
#: with kurtosis below 10 for terms up to l = 4: 2 sqrt(10 / 12000) = .058.
_TOLERANCE = 0.063
_TERMS = [PairTerm(1), PairTerm(2), PairTerm(3), ProductTerm(1, 1), ProductTerm(1, 2), ProductTerm(2, 2)]


def _contractions(
    correlation: int, l_max: int, count: int, random: np.random.Generator
) -> list[tuple[list[int], str]]:
    """Random complete contractions of `correlation` tensors with ranks up to l_max: (ranks, subscripts of einsum)."""
    drawn = []
    while len(drawn) < count:
        ranks = [int(random.choice([l_max, random.integers(0, l_max + 1)])) for _ in range(correlation)]
        if sum(ranks) % 2 == 0:
            names = list("abcdefghijkl"[: sum(ranks) // 2] * 2)
            random.shuffle(names)
            ends = np.cumsum([0, *ranks])
            tensors = ("z" + "".join(names[a:b]) for a, b in pairwise(ends))
            drawn.append((ranks, ",".join(tensors) + "->z"))
    return drawn


def _worst(
    correlation: int, l_max: int, neighbours: int, weights: np.ndarray, each: int, *, alike: bool
) -> float:
    """Largest difference between sampled and exact shares; `weights` has shape (channels, l_max + 1, neighbours)."""
    random = np.random.default_rng(11)
    directions = random.normal(size=(_SAMPLES, neighbours, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    columns = [np.ones(_SAMPLES)]
    for radial in weights:
        moments = [
            np.full(_SAMPLES, radial[0].sum()),
            np.einsum("n,znx->zx", radial[1], directions),
            np.einsum("n,znx,zny->zxy", radial[-1], directions, directions),
        ]
        for ranks, subscripts in _contractions(correlation, l_max, each, random):
            columns.append(np.einsum(subscripts, *(moments[rank] for rank in ranks)))
    stacked = np.stack(columns, axis=-1)
    stacked /= np.sqrt(np.mean(stacked**2, axis=0))
    sizes, vectors = np.linalg.eigh(stacked.T @ stacked)
    kept = (
        sizes > 1e-11 * sizes[-1]
    )  # squares of singular values: those of functions are above 1e-4 of the largest, squared 1e-8
    basis = stacked @ (vectors[:, kept] / np.sqrt(sizes[kept]))
    assert basis.shape[1] <= 60
    cosines = np.einsum("zjx,zkx->zjk", directions, directions)
    worst = 0.0
    for term in _TERMS:
        if isinstance(term, PairTerm):
            values = sum(eval_legendre(term.l, cosines[:, j, k]) for j in range(neighbours) for k in range(j))
        else:
            values = sum(
                eval_legendre(term.l_first, cosines[:, j, k]) * eval_legendre(term.l_second, cosines[:, j, m])
                for j, k, m in permutations(range(neighbours), 3)
            )
        values = values - np.mean(values)
        share = float(np.sum((basis.T @ values) ** 2) / np.sum(values**2))
        worst = max(worst, abs(share - float(best_share(term, correlation, l_max, neighbours, alike=alike))))
    return worst


@pytest.mark.parametrize(("correlation", "l_max"), [(4, 1), (3, 2), (4, 2)])
@pytest.mark.parametrize("neighbours", [3, 4])
def test_neighbours_alike(correlation: int, l_max: int, neighbours: int) -> None:
    weights = np.ones((1, l_max + 1, neighbours))
    assert _worst(correlation, l_max, neighbours, weights, 200, alike=True) < _TOLERANCE


@pytest.mark.parametrize(("correlation", "l_max"), [(2, 1), (4, 1), (3, 2)])
def test_neighbours_told_apart_by_as_many_channels_as_theory_says(correlation: int, l_max: int) -> None:
    """C(N + nu - 1, nu) channels that do not depend on l; a third of them leave something out where nu = 4."""
    channels = comb(3 + correlation - 1, correlation)
    weights = np.repeat(np.random.default_rng(2).normal(size=(channels, 1, 3)), l_max + 1, axis=1)
    assert _worst(correlation, l_max, 3, weights, 12, alike=False) < _TOLERANCE
    if correlation == 4:
        assert _worst(correlation, l_max, 3, weights[: channels // 3], 12, alike=False) > _TOLERANCE


def test_radial_functions_that_depend_on_l_reach_no_more() -> None:
    """C(N (L + 1) + nu - 1, nu) = 126 channels are enough for every symmetric term."""
    weights = np.random.default_rng(2).normal(size=(comb(3 * 2 + 3, 4), 2, 3))
    assert _worst(4, 1, 3, weights, 3, alike=False) < _TOLERANCE
