r"""Exact shares: how much of an angular term an energy of one body-ordered layer can represent on a star graph.

The centre has N neighbours at fixed distances, in independent uniform directions, and nothing else has an edge. An energy of
correlation nu is a polynomial of degree <= nu in :math:`A_{nlm} = \sum_j R_{nl}(j) Y_{lm}(\hat r_j)`, l <= L, unchanged by O(3).
As functions of the directions such energies fill one of two spaces.

**Neighbours alike** (one species, equal distance). The A_lm, l <= L, are the moments :math:`M_n = \sum_j \hat r_j^{\otimes n}`,
n <= L, in another basis. By the first fundamental theorem invariants of nu tensors are complete contractions: multigraphs with at
most nu vertices (factors), no vertex of degree above L, without loops (:math:`\hat r_j \cdot \hat r_j = 1`, so a loop lowers n by
two). Written out, a multigraph G gives

.. math:: f_G = \sum_{a : V(G) \to \{1..N\}} \; \prod_{(v,w) \in E(G)} c_{a(v) a(w)}, \qquad c_{jj} = 1,

and the energies are the span of all f_G.

**Neighbours that can be told apart** (other species or distances), radial functions :math:`R_{nl}` that depend on l, and at
least :math:`\binom{N(L+1) + \nu - 1}{\nu}` generic channels. The nu-th powers of the channels span all symmetric tensors over
(j, l), so every choice of a neighbour and an l for each factor stands alone: :math:`k_j` factors of neighbour j give all
harmonics l <= k_j L of it (the span theorem), and the energies are the span of all invariants of degree d_j in direction j with
:math:`\sum_j \lceil d_j / L \rceil \le \nu`. For a pair term :math:`\binom{N + \nu - 1}{\nu}` channels that do not depend on l
are enough.

The best R2 (mean removed) of a term is the squared length of its projection onto that space over its own; all of it is rational.
Couplings of SO(3) that change sign under inversion add nothing: they are orthogonal to every term.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, product
from typing import Literal, NamedTuple

from ._checks import require_int, require_l_max
from .angular_terms import PairTerm, ProductTerm, StarTerm, TorsionTerm
from .cosines import Monomial, Symmetric, covariance, degrees, orbit, pairs, symmetric
from .errors import InputError

#: Multigraph on the factors (or on the neighbours): exponents of its edges in the order of `pairs`.
Multigraph = tuple[int, ...]

#: Settings beyond these take minutes.
MAX_CORRELATION = 6
MAX_FACTORS_DEGREE = 16
MAX_NEIGHBOURS = 4


@dataclass(frozen=True)
class Generator:
    """One function of the space of energies: a multigraph and its symmetric polynomial in cosines."""

    graph: Multigraph
    polynomial: Symmetric


def _multigraphs(vertices: int, limit: int) -> Iterator[Multigraph]:
    """Yield multigraphs on `vertices` vertices with falling degrees, none above `limit`: each up to its numbering, at least."""
    edges = pairs(vertices)

    def grow(chosen: tuple[int, ...], free: tuple[int, ...]) -> Iterator[Multigraph]:
        if len(chosen) == len(edges):
            if all(a <= b for a, b in pairwise(free)):
                yield chosen
            return
        j, k = edges[len(chosen)]
        for count in range(min(free[j], free[k]) + 1):
            left = list(free)
            left[j] -= count
            left[k] -= count
            yield from grow((*chosen, count), tuple(left))

    yield from grow((), (limit,) * vertices)


def assigned(graph: Multigraph, vertices: int, neighbours: int) -> Symmetric:
    """Return f_G: the sum over all assignments of neighbours to the vertices of the product of cosines over the edges."""
    places = {pair: i for i, pair in enumerate(pairs(neighbours))}
    edges = [(pair, count) for pair, count in zip(pairs(vertices), graph, strict=True) if count]
    total: defaultdict[Monomial, int] = defaultdict(int)
    for assignment in product(range(neighbours), repeat=vertices):
        exponents = [0] * len(places)
        for (v, w), count in edges:
            j, k = assignment[v], assignment[w]
            if j != k:
                exponents[places[min(j, k), max(j, k)]] += count
        total[tuple(exponents)] += 1
    return symmetric({monomial: Fraction(count) for monomial, count in total.items()}, neighbours)


def factors_needed(monomial: Monomial, l_max: int, neighbours: int) -> int:
    """Return the sum over neighbours of ceil(degree / L): how many factors a monomial of cosines takes."""
    return sum(-(-degree // l_max) for degree in degrees(monomial, neighbours))


class Space(NamedTuple):
    """Which energies: of neighbours "alike" or told "apart", or with degree at most l_max in "each" direction."""

    kind: Literal["alike", "apart", "each"]
    correlation: int
    l_max: int
    neighbours: int

    def holds(self, monomial: Monomial) -> bool:
        """Tell whether a monomial of cosines is an energy of neighbours told apart, or has a small degree in each direction."""
        if self.kind == "each":
            return max(degrees(monomial, self.neighbours)) <= self.l_max
        return factors_needed(monomial, self.l_max, self.neighbours) <= self.correlation


def _monomials(space: Space) -> Iterator[Monomial]:
    """Yield representatives of the monomials of cosines that a space holds."""
    size = len(pairs(space.neighbours))

    def grow(chosen: Monomial) -> Iterator[Monomial]:
        if len(chosen) == size:
            if orbit(chosen, space.neighbours)[0] == chosen:
                yield chosen
            return
        rest = (0,) * (size - len(chosen) - 1)
        count = 0
        while space.holds((*chosen, count, *rest)):
            yield from grow((*chosen, count))
            count += 1

    yield from grow(())


@lru_cache(maxsize=64)
def generators(space: Space) -> tuple[Generator, ...]:
    """Return functions that span the energies of a star which permutations of neighbours leave unchanged.

    For neighbours that can be told apart energies need not be symmetric, but the best of them for a symmetric term is.
    """
    _, correlation, l_max, neighbours = space
    if l_max == 0:
        return ()
    candidates = (
        (
            Generator(graph, assigned(graph, correlation, neighbours))
            for graph in _multigraphs(correlation, l_max)
        )
        if space.kind == "alike"
        else (Generator(monomial, {monomial: Fraction(1)}) for monomial in _monomials(space))
    )
    distinct = {frozenset(generator.polynomial.items()): generator for generator in candidates}
    return tuple(distinct.values())


@dataclass(frozen=True)
class _Direction:
    """A generator made orthogonal to those before it: multiples of generators, and its squared length."""

    polynomial: Symmetric
    combination: dict[int, Fraction]
    square: Fraction


@lru_cache(maxsize=64)
def _orthogonal(space: Space) -> tuple[_Direction, ...]:
    """Orthogonalise the generators (Gram-Schmidt on covariances); dependent ones drop out."""
    neighbours = space.neighbours
    basis: list[_Direction] = []
    for index, generator in enumerate(generators(space)):
        polynomial = defaultdict(Fraction, generator.polynomial)
        combination = defaultdict(Fraction, {index: Fraction(1)})
        for direction in basis:
            overlap = covariance(generator.polynomial, direction.polynomial, neighbours)
            if not overlap:
                continue
            multiple = overlap / direction.square
            for monomial, value in direction.polynomial.items():
                polynomial[monomial] -= multiple * value
            for earlier, value in direction.combination.items():
                combination[earlier] -= multiple * value
        kept = {monomial: value for monomial, value in polynomial.items() if value}
        square = covariance(kept, kept, neighbours) if kept else Fraction(0)
        if square:
            basis.append(_Direction(kept, dict(combination), square))
    return tuple(basis)


@dataclass(frozen=True)
class Projection:
    """The best energy for a term: multiples of generators (by index), the term's variance and the share."""

    coefficients: dict[int, Fraction]
    variance: Fraction
    share: Fraction


def projection(term: StarTerm, space: Space) -> Projection:
    """Project a term onto a space of energies."""
    neighbours = space.neighbours
    target = term.polynomial(neighbours)
    variance = covariance(target, target, neighbours)
    coefficients: defaultdict[int, Fraction] = defaultdict(Fraction)
    explained = Fraction(0)
    for direction in _orthogonal(space):
        overlap = covariance(target, direction.polynomial, neighbours)
        if overlap:
            explained += overlap * overlap / direction.square
            for index, value in direction.combination.items():
                coefficients[index] += overlap / direction.square * value
    return Projection(
        {i: value for i, value in sorted(coefficients.items()) if value}, variance, explained / variance
    )


def require_star(
    term: StarTerm, correlation: object, l_max: object, neighbours: object
) -> tuple[int, int, int]:
    """Return checked (correlation, l_max, neighbours) of a star on which `term` is not empty.

    Raises
    ------
    InputError
        If the term is none of a star, an argument is no integer or too small, or the setting takes too long.
    """
    if not isinstance(term, PairTerm | ProductTerm):
        raise InputError(f"term = {term!r} is no term of a star: give PairTerm(l) or ProductTerm(l1, l2)")
    correlation, l_max = require_int("correlation", correlation, 1), require_l_max(l_max)
    neighbours = require_int(
        "neighbours", neighbours, term.fewest_neighbours, f"{term.name} is empty with fewer"
    )
    if (
        neighbours > MAX_NEIGHBOURS
        or correlation > MAX_CORRELATION
        or correlation * l_max > MAX_FACTORS_DEGREE
    ):
        raise InputError(
            f"correlation = {correlation}, l_max = {l_max}, neighbours = {neighbours} take too long exactly: keep correlation at "
            f"or below {MAX_CORRELATION}, correlation * l_max at or below {MAX_FACTORS_DEGREE}, neighbours at or below "
            f"{MAX_NEIGHBOURS}"
        )
    return correlation, l_max, neighbours


def best_share(
    term: StarTerm | TorsionTerm, correlation: int, l_max: int, neighbours: int = 3, *, alike: bool = False
) -> Fraction:
    r"""Best R2 of an energy of one body-ordered layer on an angular term, exactly, for independent uniform directions.

    Parameters
    ----------
    term
        `PairTerm`, `ProductTerm`, or `TorsionTerm` (of a chain whose ends do not see each other; always 0, as no atom of one
        layer sees both its outer bonds).
    correlation, l_max
        Degree nu of the energy in the A_nlm and highest l of their harmonics, L.
    neighbours
        Neighbours N of the centre, at fixed distances; they have no edges among each other.
    alike
        True: one species at equal distance. False: neighbours that can be told apart, radial functions that depend on l, and
        enough channels (see the module).

    Returns
    -------
    Fraction
        From 0 to 1. A pair term told apart has 1 up to :math:`l = L \lfloor\nu/2\rfloor` and 0 above; alike, every value occurs.

    Raises
    ------
    InputError
        If an argument is wrong or the setting is beyond what is computed exactly.

    Examples
    --------
    >>> best_share(PairTerm(2), correlation=4, l_max=1, neighbours=3, alike=True)
    Fraction(3, 13)
    >>> best_share(PairTerm(2), correlation=4, l_max=1), best_share(PairTerm(3), correlation=4, l_max=1)
    (Fraction(1, 1), Fraction(0, 1))
    """
    if isinstance(term, TorsionTerm):
        require_int("correlation", correlation, 1)
        require_l_max(l_max)
        return Fraction(0)
    correlation, l_max, neighbours = require_star(term, correlation, l_max, neighbours)
    return projection(term, Space("alike" if alike else "apart", correlation, l_max, neighbours)).share


def direction_share(term: StarTerm, correlation: int, l_max: int, neighbours: int = 3) -> Fraction:
    r"""Share of a term that the bound on one direction leaves: what has at most l = L floor(nu/2) in every direction.

    An upper bound of `best_share`, and what follows from looking at one direction at a time. For a pair term it is the same as
    `best_share` of neighbours told apart; for a product of angles it can be larger, because three directions share nu factors.

    Raises
    ------
    InputError
        As `best_share`.

    Examples
    --------
    >>> term = ProductTerm(2, 2)
    >>> best_share(term, correlation=4, l_max=1), direction_share(term, correlation=4, l_max=1)
    (Fraction(7, 55), Fraction(37, 55))
    """
    correlation, l_max, neighbours = require_star(term, correlation, l_max, neighbours)
    highest = max(max(degrees(monomial, neighbours)) for monomial in term.polynomial(neighbours))
    limit = min(l_max * (correlation // 2), highest)
    return projection(term, Space("each", correlation, limit, neighbours)).share
