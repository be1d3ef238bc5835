r"""Invariants of point groups among the spherical harmonics: Molien series from characters, with integers only.

The number of independent functions in :math:`H_l` that a finite group G leaves unchanged is
:math:`n_l = \frac{1}{|G|}\sum_{g \in G} \chi_l(g)`, with :math:`\chi_l = \sum_{|m| \le l} e^{im\alpha}` for a rotation by
:math:`\alpha` and :math:`(-1)^l` times that for a rotation followed by inversion. Rotations are collected axis by axis:
over the n rotations about one n-fold axis the characters add up to :math:`n (2\lfloor l/n \rfloor + 1)`, the n times
number of orders m divisible by n. A field is a useful test only if it is no invariant of a continuous group that holds G
(the zonal harmonics of one axis for C_n, C_nv, D_n; constants for the others): those are counted apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ._checks import require_degree, require_int, require_l_max
from .errors import InputError

_SHAPE = "write Cn, Cnv or Dn with a number n (C5, C3v, D2), or T, O, I, Td, Th, Oh, Ih"
_MAX_FOLD, _MAX_L = 1000, 10_000


@dataclass(frozen=True)
class PointGroup:
    """A point group by its axes; made by `point_group`.

    Attributes
    ----------
    name
        Schoenflies symbol.
    order
        Number of elements.
    axes
        (n, count): `count` axes of order n of its rotations, n >= 2.
    improper
        (numerator, n, count): `count` elements that are inversion times a rotation by 2 pi numerator / n, other than
        those that `inversion` gives.
    inversion
        Whether inversion itself belongs to the group.
    uniaxial
        Whether the group keeps one axis, so that it lies in a continuous group.
    """

    name: str
    order: int
    axes: tuple[tuple[int, int], ...]
    improper: tuple[tuple[int, int, int], ...] = ()
    inversion: bool = False
    uniaxial: bool = False

    def invariants(self, l: int) -> int:
        """Number of independent invariants of the group in H_l.

        Raises
        ------
        InputError
            If `l` is not an integer from 0 to 10000.
        """
        _require_l(l)
        if self.inversion and l % 2:
            return 0
        rotations = (2 * l + 1) + sum(
            count * (n * (2 * (l // n) + 1) - (2 * l + 1)) for n, count in self.axes
        )
        improper = (-1 if l % 2 else 1) * sum(count * _character(l, k, n) for k, n, count in self.improper)
        total = rotations + improper
        invariants, rest = divmod(total, self.order // 2 if self.inversion else self.order)
        if rest:
            raise ArithmeticError(
                f"the characters of {self.name} at l = {l} add up to {total}, no multiple of the order"
            )
        return invariants

    def continuous_invariants(self, l: int) -> int:
        """Number of these that a continuous group holding this one leaves unchanged as well.

        Raises
        ------
        InputError
            If `l` is not an integer from 0 to 10000.
        """
        _require_l(l)
        if not self.uniaxial:
            return int(l == 0)
        # The zonal harmonic is even under the two-fold axes of D_n exactly for even l.
        return int(not self.name.startswith("D") or l % 2 == 0)

    def smallest_l(self) -> int:
        """Smallest l > 0 with an invariant, zonal ones included."""
        return next(l for l in range(1, _MAX_L) if self.invariants(l))

    def smallest_distinct_l(self) -> int:
        """Smallest l with an invariant that belongs to no continuous group: n for C_n, 3 for T, 4 for O, 6 for I."""
        return next(l for l in range(1, _MAX_L) if self.invariants(l) > self.continuous_invariants(l))


def _require_l(l: int) -> None:
    if require_int("l", l, 0) > _MAX_L:
        raise InputError(f"l = {l} is beyond the tables of point groups: keep l at or below {_MAX_L}")


def _character(l: int, k: int, n: int) -> int:
    """Character in H_l of the rotation by 2 pi k / n, for n in 1, 2, 3, 4, 6, where it is an integer."""
    # 2 cos(2 pi m k / n) takes integer values for these n only.
    doubled_cosine = {1: (2,), 2: (2, -2), 3: (2, -1, -1), 4: (2, 0, -2, 0), 6: (2, 1, -1, -2, -1, 1)}[n]
    return 1 + sum(doubled_cosine[m * k % n] for m in range(1, l + 1))


def point_group(symbol: str) -> PointGroup:
    """Return a point group by its Schoenflies symbol.

    Parameters
    ----------
    symbol
        ``Cn`` (n >= 1), ``Cnv``, ``Dn`` (n >= 2), ``T``, ``O``, ``I``, ``Td``, ``Th``, ``Oh`` or ``Ih``.

    Raises
    ------
    InputError
        If the symbol is none of these.

    Examples
    --------
    >>> point_group("O").axes
    ((4, 3), (3, 4), (2, 6))
    >>> [point_group(name).smallest_distinct_l() for name in ("C5", "T", "O", "I")]
    [5, 3, 4, 6]
    """
    if not isinstance(symbol, str):
        raise InputError(f"point group {symbol!r} is not text: {_SHAPE}")
    cubic = {
        "T": PointGroup("T", 12, ((3, 4), (2, 3))),
        "O": PointGroup("O", 24, ((4, 3), (3, 4), (2, 6))),
        "I": PointGroup("I", 60, ((5, 6), (3, 10), (2, 15))),
        # T with six mirrors (inversion times a two-fold rotation) and six S4 (inversion times a four-fold one).
        "Td": PointGroup("Td", 24, ((3, 4), (2, 3)), ((1, 2, 6), (1, 4, 6))),
        "Th": PointGroup("Th", 24, ((3, 4), (2, 3)), inversion=True),
        "Oh": PointGroup("Oh", 48, ((4, 3), (3, 4), (2, 6)), inversion=True),
        "Ih": PointGroup("Ih", 120, ((5, 6), (3, 10), (2, 15)), inversion=True),
    }
    if symbol in cubic:
        return cubic[symbol]
    match = re.fullmatch(r"(C|D)([1-9][0-9]{0,3})(v?)", symbol)
    if match is None or match[1] + match[3] == "Dv" or (match[1] == "D" and match[2] == "1"):
        raise InputError(f"point group {symbol!r} is unknown: {_SHAPE}")
    n = int(match[2])
    if n > _MAX_FOLD:
        raise InputError(f"point group {symbol!r} has too high an axis: keep n at or below {_MAX_FOLD}")
    main = ((n, 1),) if n > 1 else ()
    if match[1] == "D":
        axes = ((2, 3),) if n == 2 else (*main, (2, n))
        return PointGroup(symbol, 2 * n, axes, uniaxial=True)
    if match[3]:
        return PointGroup(symbol, 2 * n, main, ((1, 2, n),), uniaxial=True)
    return PointGroup(symbol, n, main, uniaxial=True)


def invariant_table(symbol: str, l_top: int) -> tuple[int, ...]:
    """Number of invariants of a point group in H_0, ..., H_l_top: the coefficients of its Molien series.

    Raises
    ------
    InputError
        If the symbol is unknown or `l_top` is not an integer from 0 to 10000.

    Examples
    --------
    >>> invariant_table("O", 9)
    (1, 0, 0, 0, 1, 0, 1, 0, 1, 1)
    """
    _require_l(l_top)
    group = point_group(symbol)
    return tuple(group.invariants(l) for l in range(l_top + 1))


def minimal_pairs(l: int) -> tuple[tuple[int, int], ...]:
    """All minimal (degree, l_max) whose ceiling reaches degree `l`: lowering either falls short.

    Raises
    ------
    InputError
        If `l` is not an integer from 0 to 10000.

    Examples
    --------
    >>> minimal_pairs(5)
    ((1, 5), (2, 3), (3, 2), (5, 1))
    """
    _require_l(l)
    if l == 0:
        return ((1, 0),)
    pairs = []
    for degree in range(1, l + 1):
        l_max = -(-l // degree)
        if (degree - 1) * l_max < l:
            pairs.append((degree, l_max))
    return tuple(pairs)


def reaches(symbol: str, degree: int, l_max: int) -> bool:
    """Whether polynomials of this degree and l_max can represent a field of this symmetry and of no continuous one.

    Raises
    ------
    InputError
        If an argument is malformed.

    Examples
    --------
    >>> [reaches("C5", degree, l_max) for degree, l_max in ((2, 2), (2, 3), (3, 2), (5, 1), (1, 5))]
    [False, True, True, True, True]
    """
    return require_degree(degree) * require_l_max(l_max) >= point_group(symbol).smallest_distinct_l()
