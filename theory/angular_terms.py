r"""Angular terms of an energy, as exact polynomials in the cosines between the directions of a star's neighbours.

- `PairTerm`: :math:`\sum_{j<k} P_l(c_{jk})`, three-body (the centre and two neighbours).
- `ProductTerm`: :math:`\sum_{j} \sum_{k \ne m} P_{l_1}(c_{jk}) P_{l_2}(c_{jm})`, four-body: two angles that share a neighbour.
- `TorsionTerm`: :math:`(\sin\theta_1 \sin\theta_2)^l \cos l\varphi` on a chain a-b-c-d, no function of any star.

Each has mean 0 over independent uniform directions but `ProductTerm` with l_1 = l_2 = 0, which is refused. Pure means: a pair
term has, in each direction, no other l than its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ._checks import require_int
from .cosines import Monomial, Symmetric, pairs, symmetrised
from .errors import InputError

#: Largest l of a term: what exact means are computed for in about a second.
MAX_TERM_L = 16


@lru_cache(maxsize=64)
def legendre(l: int) -> tuple[Fraction, ...]:
    """Return the coefficients of P_l, that of c^n at n, from Bonnet's recursion."""
    if l == 0:
        return (Fraction(1),)
    if l == 1:
        return (Fraction(0), Fraction(1))
    higher = [Fraction(0), *(Fraction(2 * l - 1, l) * value for value in legendre(l - 1))]
    for n, value in enumerate(legendre(l - 2)):
        higher[n] -= Fraction(l - 1, l) * value
    return tuple(higher)


def _require_l(name: str, value: object) -> int:
    l = require_int(name, value, 1, "the term with l = 0 is a constant")
    if l > MAX_TERM_L:
        raise InputError(
            f"{name} = {l} is beyond what exact means are computed for: give at most {MAX_TERM_L}"
        )
    return l


@dataclass(frozen=True)
class PairTerm:
    r"""The sum of :math:`P_l(\cos\theta_{jk})` over all pairs of neighbours of the centre.

    Attributes
    ----------
    l
        From 1 to 16.
    """

    l: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "l", _require_l("l", self.l))

    @property
    def name(self) -> str:
        """Short name, such as ``pair(3)``."""
        return f"pair({self.l})"

    @property
    def fewest_neighbours(self) -> int:
        """How many neighbours the centre needs for the term not to be empty."""
        return 2

    def polynomial(self, neighbours: int) -> Symmetric:
        """Return the term as a polynomial in cosines, by orbits."""
        size = len(pairs(neighbours))
        return {
            (n,) + (0,) * (size - 1): value for n, value in enumerate(legendre(self.l)) if value and n
        } | ({(0,) * size: size * legendre(self.l)[0]} if legendre(self.l)[0] else {})


@dataclass(frozen=True)
class ProductTerm:
    r"""The sum of :math:`P_{l_1}(\cos\theta_{jk}) P_{l_2}(\cos\theta_{jm})` over all distinct neighbours j, k, m.

    Two angles at the centre that share the neighbour j; the sum runs over ordered triples, six for three neighbours. Directions
    k and m carry l_1 and l_2, direction j every l from abs(l_1 - l_2) to l_1 + l_2 in steps of two.

    Attributes
    ----------
    l_first, l_second
        From 1 to 16.
    """

    l_first: int
    l_second: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "l_first", _require_l("l_first", self.l_first))
        object.__setattr__(self, "l_second", _require_l("l_second", self.l_second))

    @property
    def name(self) -> str:
        """Short name, such as ``product(1,2)``."""
        return f"product({self.l_first},{self.l_second})"

    @property
    def fewest_neighbours(self) -> int:
        """How many neighbours the centre needs for the term not to be empty."""
        return 3

    def polynomial(self, neighbours: int) -> Symmetric:
        """Return the term as a polynomial in cosines, by orbits."""
        places = {pair: i for i, pair in enumerate(pairs(neighbours))}
        summand: defaultdict[Monomial, Fraction] = defaultdict(Fraction)
        for n, a in enumerate(legendre(self.l_first)):
            for m, b in enumerate(legendre(self.l_second)):
                exponents = [0] * len(places)
                exponents[places[0, 1]], exponents[places[0, 2]] = n, m
                summand[tuple(exponents)] += a * b
        total = symmetrised(summand, neighbours)
        # Permutations of the neighbours that are not in the triple give the same summand again.
        repeated = 1
        for count in range(2, neighbours - 2):
            repeated *= count
        return {monomial: value / repeated for monomial, value in total.items()}


@dataclass(frozen=True)
class TorsionTerm:
    r"""The torsion :math:`(\sin\theta_1 \sin\theta_2)^l \cos l\varphi` of a chain a-b-c-d about its bond b-c.

    With :math:`u = \hat r_{ba}`, :math:`w = \hat r_{bc}`, :math:`v = \hat r_{cd}` it is the polynomial
    :math:`s^l T_l(x/s)`, :math:`x = u \cdot v - (u \cdot w)(v \cdot w)`, :math:`s^2 = (1 - (u \cdot w)^2)(1 - (v \cdot w)^2)`,
    T_l of Chebyshev. In u and in v it has no other l than its own (it is the real part of :math:`Y_{ll}(u) Y_{ll}(v)^*` with w as
    polar axis, up to a factor), in w it has even l up to 2l.

    Attributes
    ----------
    l
        From 1 to 16.
    """

    l: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "l", _require_l("l", self.l))

    @property
    def name(self) -> str:
        """Short name, such as ``torsion(2)``."""
        return f"torsion({self.l})"

    def polynomial(self) -> dict[tuple[int, int, int], int]:
        r"""Return the coefficients of :math:`(u \cdot w)^a (v \cdot w)^b (u \cdot v)^c` by (a, b, c)."""
        x = {(0, 0, 1): 1, (1, 1, 0): -1}
        square = {(0, 0, 0): 1, (2, 0, 0): -1, (0, 2, 0): -1, (2, 2, 0): 1}
        before: dict[tuple[int, int, int], int] = {(0, 0, 0): 1}
        current: dict[tuple[int, int, int], int] = dict(x)
        for _ in range(self.l - 1):  # s^(n+1) T_(n+1)(x/s) = 2 x s^n T_n(x/s) - s^2 s^(n-1) T_(n-1)(x/s)
            following: defaultdict[tuple[int, int, int], int] = defaultdict(int)
            for factor, left, right in ((2, x, current), (-1, square, before)):
                for (a, b, c), value in left.items():
                    for (d, e, f), other in right.items():
                        following[a + d, b + e, c + f] += factor * value * other
            before, current = current, {key: value for key, value in following.items() if value}
        return current


#: What `best_share` takes.
StarTerm = PairTerm | ProductTerm
