r"""Polynomials in the cosines between directions, and their exact means over independent uniform directions.

A star of N neighbours has the cosines :math:`c_{jk} = \hat r_j \cdot \hat r_k`. Every polynomial in directions that O(3) leaves
unchanged is a polynomial in them (first fundamental theorem, :math:`c_{jj} = 1`). A monomial is a multigraph on the neighbours
with :math:`c_{jk}^{m}` as m edges; its mean comes from removing vertices one by one, since

.. math::

   \langle (u \cdot a_1) \cdots (u \cdot a_{2k}) \rangle_u
   = \frac{1}{(2k+1)!!} \sum_{\text{matchings}} \prod a_i \cdot a_j .

What no permutation of the neighbours changes is stored by orbits: a representative stands for all monomials that permutations
make of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations
from math import comb, factorial, prod

#: Exponents of c_jk, j < k, in the order of `pairs`.
Monomial = tuple[int, ...]
#: Representative of an orbit of monomials -> coefficient of each of its monomials.
Symmetric = dict[Monomial, Fraction]


@lru_cache(maxsize=16)
def pairs(neighbours: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs (j, k), j < k, in the order of a monomial's exponents."""
    return tuple(combinations(range(neighbours), 2))


@lru_cache(maxsize=16)
def _relabellings(neighbours: int) -> tuple[tuple[int, ...], ...]:
    """Return, for every permutation of neighbours, which exponent takes each place."""
    place = {pair: i for i, pair in enumerate(pairs(neighbours))}
    return tuple(
        tuple(place[min(p[j], p[k]), max(p[j], p[k])] for j, k in pairs(neighbours))
        for p in permutations(range(neighbours))
    )


@lru_cache(maxsize=1 << 17)
def orbit(monomial: Monomial, neighbours: int) -> tuple[Monomial, ...]:
    """Return all monomials that permutations of neighbours make of `monomial`, the representative first."""
    images = {tuple(monomial[i] for i in order) for order in _relabellings(neighbours)}
    return tuple(sorted(images, reverse=True))


def degrees(monomial: Monomial, neighbours: int) -> tuple[int, ...]:
    """Return the degree of a monomial in every direction."""
    counts = [0] * neighbours
    for (j, k), exponent in zip(pairs(neighbours), monomial, strict=True):
        counts[j] += exponent
        counts[k] += exponent
    return tuple(counts)


def _bounded_sums(total: int, limits: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield all tuples of naturals up to `limits` that add up to `total`."""
    if not limits:
        if total == 0:
            yield ()
        return
    for part in range(min(total, limits[0]) + 1):
        for rest in _bounded_sums(total - part, limits[1:]):
            yield (part, *rest)


def _matchings(ends: tuple[int, ...]) -> Iterator[tuple[int, tuple[tuple[int, int, int], ...]]]:
    """Yield (how many matchings, edges (a, b, multiplicity)) of edge ends, `ends[a]` of them at vertex a.

    Two matched ends of the same vertex make c_aa = 1, which is left out.
    """
    if not ends:
        yield 1, ()
        return
    others, size = ends[:-1], ends[-1]
    for inner in range(size // 2 + 1):
        for parts in _bounded_sums(size - 2 * inner, others):
            chosen = prod((comb(end, part) for end, part in zip(others, parts, strict=True)), start=1)
            number = factorial(size) // (factorial(inner) * 2**inner) * chosen
            edges = tuple((a, len(others), part) for a, part in enumerate(parts) if part)
            rest = tuple(end - part for end, part in zip(others, parts, strict=True))
            for further, further_edges in _matchings(rest):
                yield number * further, edges + further_edges


@lru_cache(maxsize=1 << 18)
def mean(monomial: Monomial, neighbours: int) -> Fraction:
    """Return the mean of a monomial of cosines over independent uniform directions."""
    counts = degrees(monomial, neighbours)
    if any(count % 2 for count in counts):
        return Fraction(0)
    if not any(counts):
        return Fraction(1)
    removed = min((count, j) for j, count in enumerate(counts) if count)[1]
    place = {pair: i for i, pair in enumerate(pairs(neighbours))}
    ends, kept = [], list(monomial)
    for pair, i in place.items():
        if removed in pair and monomial[i]:
            ends.append((sum(pair) - removed, monomial[i]))
            kept[i] = 0
    total = Fraction(0)
    for number, edges in _matchings(tuple(count for _, count in ends)):
        exponents = list(kept)
        for a, b, multiplicity in edges:
            j, k = sorted((ends[a][0], ends[b][0]))
            exponents[place[j, k]] += multiplicity
        total += number * mean(orbit(tuple(exponents), neighbours)[0], neighbours)
    return total / prod(range(1, counts[removed] + 2, 2))


def symmetric(polynomial: Mapping[Monomial, Fraction], neighbours: int) -> Symmetric:
    """Return a polynomial that permutations leave unchanged by orbits."""
    return {
        monomial: value
        for monomial, value in polynomial.items()
        if value and orbit(monomial, neighbours)[0] == monomial
    }


def symmetrised(polynomial: Mapping[Monomial, Fraction], neighbours: int) -> Symmetric:
    """Return the sum over all permutations of neighbours of a polynomial, by orbits."""
    result: defaultdict[Monomial, Fraction] = defaultdict(Fraction)
    for monomial, value in polynomial.items():
        images = orbit(monomial, neighbours)
        result[images[0]] += value * factorial(neighbours) / len(images)
    return {monomial: value for monomial, value in result.items() if value}


@lru_cache(maxsize=1 << 16)
def _orbit_mean(first: Monomial, second: Monomial, neighbours: int) -> Fraction:
    """Return the mean of the product of two orbit sums."""
    images = orbit(second, neighbours)
    total = sum(
        (
            mean(orbit(tuple(map(sum, zip(first, image, strict=True))), neighbours)[0], neighbours)
            for image in images
        ),
        start=Fraction(0),
    )
    return total * len(orbit(first, neighbours))


def average(polynomial: Symmetric, neighbours: int) -> Fraction:
    """Return the mean of a symmetric polynomial."""
    return sum(
        (
            value * len(orbit(monomial, neighbours)) * mean(monomial, neighbours)
            for monomial, value in polynomial.items()
        ),
        start=Fraction(0),
    )


def covariance(first: Symmetric, second: Symmetric, neighbours: int) -> Fraction:
    """Return the covariance of two symmetric polynomials over independent uniform directions."""
    total = sum(
        (
            a * b * _orbit_mean(left, right, neighbours)
            for left, a in first.items()
            for right, b in second.items()
        ),
        start=Fraction(0),
    )
    return total - average(first, neighbours) * average(second, neighbours)
