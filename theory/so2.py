r"""Convolutions of SO(2) in the frame of an edge, with orders up to m_max (eSCN, EquiformerV2, eSEN, UMA): what they lose.

A linear message of features h of :math:`l_1` along the edge :math:`\hat r`, with output :math:`l_3`, is a sum over paths
:math:`\sum_{l_2} q_{l_2} [Y_{l_2}(\hat r) \otimes h]_{l_3}`. In a frame whose polar axis is the edge only
:math:`Y_{l_2 0} \ne 0` is left, so that it multiplies the component m of h by
:math:`\kappa_m \propto \sum_{l_2} q_{l_2} \langle l_1 m\, l_3\, {-m} | l_2 0 \rangle`, :math:`|m| \le \min(l_1, l_3)`. This is
every linear map that commutes with rotations about the edge: :math:`2 \min(l_1, l_3) + 1` real numbers, as many as there are
paths. Rows m and columns :math:`l_2` make an orthogonal matrix.

- **Couplings.** Orders up to m_max keep the q with :math:`\kappa_m = 0` for :math:`m_{max} < |m| \le \min(l_1, l_3)`:
  :math:`2 \min(l_1, l_3, m_{max}) + 1` dimensions, spanned by the rows :math:`|m| \le m_{max}`. Paths are tied together.
- **Ceiling.** The map commutes with rotations exactly, whatever m_max is: outputs keep their l, and a readout its ceiling.
- **Bandwidth.** m = 0 alone is :math:`Y_{l_3}(\hat r)\, (Y_{l_1}(\hat r) \cdot h)`, which holds harmonics of the edge's
  direction up to :math:`l_1 + l_3`: its part there is :math:`\langle l_1 0\, l_3 0 | (l_1{+}l_3)\, 0 \rangle > 0`.
- **Torsion.** Turning what lies beyond the edge by the angle phi multiplies component m by :math:`e^{im\varphi}`: a linear
  convolution carries :math:`\cos k\varphi` for :math:`k \le m_{max}` only, an activation of degree d in the frame for
  :math:`k \le d\, m_{max}`.
- **Nothing is lost** of messages from scalars, to scalars, or from an atom with no other neighbour: they are pure m = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb, isqrt

from ._checks import require_degree, require_int, require_l_max
from .couplings import clebsch_gordan, stretched_coefficient
from .errors import InputError
from .roots import SignedRoot

#: Highest l of exact matrices: seconds.
MOST_L = 16


@dataclass(frozen=True)
class SO2Couplings:
    """Linear maps from l_in to l_out that commute with rotations about an edge, for orders up to m_max.

    Attributes
    ----------
    l_in, l_out, m_max
        Highest order m_max; one above min(l_in, l_out) leaves nothing out.
    """

    l_in: int
    l_out: int
    m_max: int

    @property
    def paths(self) -> tuple[int, ...]:
        """The l of the harmonics of the edge, ``|l_in - l_out|`` to l_in + l_out."""
        return tuple(range(abs(self.l_in - self.l_out), self.l_in + self.l_out + 1))

    @property
    def full(self) -> int:
        """Dimension of the space with every order: 2 min(l_in, l_out) + 1, the number of paths."""
        return 2 * min(self.l_in, self.l_out) + 1

    @property
    def kept(self) -> int:
        """Dimension of the space with orders up to m_max: 2 min(l_in, l_out, m_max) + 1."""
        return 2 * min(self.l_in, self.l_out, self.m_max) + 1

    @property
    def lost(self) -> int:
        """How many dimensions m_max takes away."""
        return self.full - self.kept

    @property
    def bandwidth(self) -> int:
        """Highest l of the edge's direction in the message: l_in + l_out, whatever m_max is."""
        return self.l_in + self.l_out

    @property
    def bandwidth_witness(self) -> SignedRoot:
        """The part of the m = 0 message that holds the highest l of the edge's direction, never zero."""
        return stretched_coefficient(self.l_in, self.l_out)

    @property
    def torsion_order(self) -> int:
        """Highest k for which a linear message carries cos(k phi) about the edge: min(l_in, l_out, m_max)."""
        return min(self.l_in, self.l_out, self.m_max)

    def basis(self) -> tuple[tuple[SignedRoot, ...], ...]:
        r"""Return coefficients of the paths, :math:`\langle l_1 m\, l_3\, {-m}|l_2 0\rangle`, that span the space that is kept.

        One row for m = -M, ..., M, M = min(l_in, l_out, m_max), one entry for each of `paths`; rows are orthonormal.
        """
        order = self.torsion_order
        return tuple(_row(self.l_in, self.l_out, m) for m in range(-order, order + 1))

    def ranks(self) -> tuple[int, int, int]:
        """Return the exact ranks of all rows, of those up to m_max, and of those above it: full, kept and lost.

        By elimination with fractions: rows and columns are scaled by roots, which leaves ranks unchanged, until every entry is
        rational.

        Raises
        ------
        InputError
            An l is above 16.
        """
        _affordable("l_in", self.l_in)
        _affordable("l_out", self.l_out)
        top, order = min(self.l_in, self.l_out), self.torsion_order
        rows = {m: _rational_row(self.l_in, self.l_out, m) for m in range(-top, top + 1)}
        inside = [row for m, row in rows.items() if abs(m) <= order]
        outside = [row for m, row in rows.items() if abs(m) > order]
        return _rank([*inside, *outside]), _rank(inside), _rank(outside)


def so2_couplings(l_in: int, l_out: int, m_max: int | None = None) -> SO2Couplings:
    """Return the space of linear messages from l_in to l_out with orders up to m_max (default: every order).

    Raises
    ------
    InputError
        If an argument is not an integer of at least 0.

    Examples
    --------
    >>> couplings = so2_couplings(6, 6, 2)
    >>> couplings.full, couplings.kept, couplings.bandwidth, couplings.torsion_order
    (13, 5, 12, 2)
    """
    l_in, l_out = require_int("l_in", l_in, 0), require_int("l_out", l_out, 0)
    m_max = min(l_in, l_out) if m_max is None else require_int("m_max", m_max, 0)
    return SO2Couplings(l_in, l_out, m_max)


def so2_table(l_max: int, m_max: int) -> tuple[SO2Couplings, ...]:
    """Return the spaces of all pairs (l_in, l_out) up to l_max.

    Raises
    ------
    InputError
        If an argument is not an integer of at least 0, or l_max is above 16.

    Examples
    --------
    >>> table = so2_table(6, 2)
    >>> sum(entry.full for entry in table), sum(entry.kept for entry in table)
    (231, 171)
    """
    l_max, m_max = require_l_max(l_max), require_int("m_max", m_max, 0)
    _affordable("l_max", l_max)
    return tuple(so2_couplings(l_in, l_out, m_max) for l_in in range(l_max + 1) for l_out in range(l_max + 1))


def so2_components(l_max: int, m_max: int) -> int:
    """Return how many of the (l_max + 1)^2 components have orders up to m_max.

    Raises
    ------
    InputError
        If an argument is not an integer of at least 0.

    Examples
    --------
    >>> so2_components(6, 2), so2_components(6, 6)
    (29, 49)
    """
    l_max, m_max = require_l_max(l_max), require_int("m_max", m_max, 0)
    return sum(2 * min(l, m_max) + 1 for l in range(l_max + 1))


def so2_torsion_order(l_max: int, m_max: int, degree: int = 1) -> int:
    """Return the highest k for which a message carries cos(k phi) about its edge.

    Parameters
    ----------
    l_max, m_max
        Highest l and m of the features.
    degree
        Degree of what acts on the message in the edge's frame: 1 for a linear convolution, d for a polynomial activation on an
        edge grid or for d convolutions multiplied.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> so2_torsion_order(6, 2), so2_torsion_order(6, 2, degree=2)
    (2, 4)
    """
    l_max, m_max = require_l_max(l_max), require_int("m_max", m_max, 0)
    return require_degree(degree) * min(l_max, m_max)


def _affordable(name: str, l: int) -> None:
    if l > MOST_L:
        raise InputError(f"{name} = {l} is beyond what is computed exactly: give at most {MOST_L}")


def _row(l_in: int, l_out: int, m: int) -> tuple[SignedRoot, ...]:
    """Row m of the orthogonal matrix, over the paths."""
    paths = range(abs(l_in - l_out), l_in + l_out + 1)
    return tuple(clebsch_gordan(l_in, m, l_out, -m, l2, 0) for l2 in paths)


@lru_cache(maxsize=4096)
def _rational_row(l_in: int, l_out: int, m: int) -> tuple[Fraction, ...]:
    """Row m times a root, over the row of the highest order, which has no zero, entry by entry: rational numbers."""
    top = min(l_in, l_out)
    scale = SignedRoot.root(
        Fraction(
            comb(2 * l_in, l_in + m) * comb(2 * l_out, l_out - m),
            comb(2 * l_in, l_in + top) * comb(2 * l_out, l_out - top),
        )
    )
    highest = _row(l_in, l_out, top)
    return tuple(_rational(scale * a / b) for a, b in zip(_row(l_in, l_out, m), highest, strict=True))


def _rational(value: SignedRoot) -> Fraction:
    root = Fraction(isqrt(value.square.numerator), isqrt(value.square.denominator))
    if root * root != value.square:
        raise ArithmeticError(f"{value} is no rational number")
    return value.sign * root


def _rank(rows: list[tuple[Fraction, ...]]) -> int:
    """Rank by elimination with fractions."""
    remaining, rank = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in remaining if row[column]), None)
        if pivot is None:
            continue
        remaining.remove(pivot)
        rank += 1
        for row in remaining:
            if row[column]:
                factor = row[column] / pivot[column]
                row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
    return rank
