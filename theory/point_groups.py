r"""Point groups, and what they leave unchanged among the irreps of O(3): exact, by characters, with integers only.

Let H be the rotations of a point group G, and G' the group of all rotations det(g) g, g in G: every improper element
replaced by the rotation that inversion makes of it. Then G is one of

- H alone (C_n, D_n, T, O, I): G' = H;
- H and inversion times H (those that hold inversion): G' = H again;
- H and inversion times the rest of G', H being half of it: C_n in C_2n gives C_nh (n odd) and S_2n (n even), D_n in D_2n gives
  D_nh (n odd) and D_nd (n even), C_n in D_n gives C_nv, T in O gives T_d.

In the irrep of l and parity p an improper element has p times the character of its rotation. With :math:`n_l` the
number of invariants of a group of rotations (`rotation_groups`), adding up characters gives the number of invariants of G:
:math:`n_l(H)` in the first case; in the second that for p = 1 and 0 for p = -1; in the third :math:`n_l(G')` for p = 1 and
:math:`n_l(H) - n_l(G')` for p = -1. The functions with this l on the sphere have the natural parity :math:`(-1)^l`.

**Fields of a symmetry and of no continuous one.** A nonzero function in :math:`H_l` that rotations by every angle about
some axis leave unchanged is a multiple of the zonal harmonic :math:`Z_a` of that axis a. For l = 1 every function is one. Let
l >= 2. If G has two independent invariants in :math:`H_l`, some invariant is not zonal: were all :math:`Z_a + c Z_b` zonal,
then so to first order in c, that is :math:`J_a Z_b` would lie in the orders m = +-1 about a (the only ones that tilting
the axis brings into :math:`Z_a`), and so would not hold :math:`m\,Y_{lm}(b)` for m = l, which is not zero unless b = +-a. If G
has one invariant and that is zonal about a, then G keeps a up to sign. So G has a field with this l and no continuous
symmetry if and only if l >= 2 and it has more invariants than the zonal harmonic about the axis that it keeps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ._checks import require_degree, require_int, require_l_max, require_parity
from .errors import InputError
from .rotation_groups import RotationGroup

_SHAPE = (
    "write Cn, Cnv, Cnh, Dn, Dnh or Dnd with a number n (C5, C3v, D6h), S2n (S4), Cs, Ci, T, Td, Th, O, Oh, I, Ih, "
    "or C∞v, D∞h, Kh"
)
_MAX_FOLD, _MAX_L = 1000, 10_000


@dataclass(frozen=True)
class PointGroup:
    """A point group by its rotations; made by `point_group`.

    Attributes
    ----------
    name
        Schoenflies symbol.
    rotations
        H, the rotations that belong to the group.
    unsigned
        G', the rotations det(g) g of all elements g, see the top of this module.
    improper
        Whether it has elements of determinant -1.
    """

    name: str
    rotations: RotationGroup
    unsigned: RotationGroup
    improper: bool

    @property
    def order(self) -> int | None:
        """Number of elements; None for a continuous group."""
        rotations = self.rotations.order
        return rotations if rotations is None or not self.improper else 2 * rotations

    @property
    def axes(self) -> tuple[tuple[int, int], ...]:
        """(n, count): `count` axes of order n of its rotations, n >= 2; empty for a continuous group."""
        return self.rotations.axes

    @property
    def inversion(self) -> bool:
        """Whether inversion belongs to the group."""
        return self.improper and self.unsigned == self.rotations

    @property
    def uniaxial(self) -> bool:
        """Whether the group keeps an axis, so that it lies in C∞v or D∞h."""
        return self.unsigned.is_uniaxial

    @property
    def continuous(self) -> bool:
        """Whether it holds rotations by every angle about some axis."""
        return self.rotations.order is None

    @property
    def proper(self) -> PointGroup:
        """The group of its rotations alone, which is what matters for features that keep SO(3) and break inversion."""
        return PointGroup(_rotation_name(self.rotations), self.rotations, self.rotations, improper=False)

    def invariants(self, l: int, parity: int | None = None) -> int:
        """Number of independent invariants of the group in the irrep of l.

        Parameters
        ----------
        l
            Degree, an integer from 0 to 10000.
        parity
            1 (even), -1 (odd), or None for the natural parity (-1)^l of functions on the sphere.

        Raises
        ------
        InputError
            If `l` or `parity` is none of these.

        Examples
        --------
        >>> td = point_group("Td")
        >>> [td.invariants(l) for l in range(7)], td.invariants(6, -1)
        ([1, 0, 0, 1, 1, 0, 1], 1)
        """
        l = _degree(l)
        even = require_parity(parity, l) == 1
        if not self.improper:
            return self.rotations.invariants(l)
        if even:
            return self.unsigned.invariants(l)
        return self.rotations.invariants(l) - self.unsigned.invariants(l)

    def continuous_invariants(self, l: int) -> int:
        """Number of those of natural parity that have a continuous symmetry as well: 0, 1, or for l = 1 all.

        It is the zonal harmonic about the axis that the group keeps; where several axes could be meant (C_s, C_2v,
        D_2, ...) the count is of one of them, which is enough to tell whether there are others.

        Raises
        ------
        InputError
            If `l` is not an integer from 0 to 10000.
        """
        l = _degree(l)
        if l == 0 or self.continuous:
            return self.invariants(l)
        if not self.uniaxial:
            return 0
        return self.invariants(1) if l == 1 else self._zonal(l)

    def _zonal(self, l: int) -> int:
        """Whether the zonal harmonic Y_l0, l >= 1, about the axis of a uniaxial group is an invariant, as a number."""
        # C_n and C_nv keep the direction of the axis; all others reverse it, and odd zonal harmonics with it.
        keeps_direction = self.rotations.kind == "C" and (
            not self.improper or self.unsigned == RotationGroup("D", self.rotations.fold)
        )
        return int(l % 2 == 0 or keeps_direction)

    def smallest_l(self) -> int | None:
        """Smallest l > 0 with an invariant of natural parity, zonal ones included; None if there is none (K, K_h)."""
        if self.unsigned.kind == "K":
            return None
        return next(l for l in range(1, _MAX_L) if self.invariants(l))

    def smallest_distinct_l(self) -> int:
        """Smallest l of a field that has this symmetry and no continuous one: n for C_n, n >= 2; 3 for T, 4 for O, 6 for I.

        For C_1, C_s and C_i it is 2: every field with l = 1 is axially symmetric.

        Raises
        ------
        InputError
            If the group is continuous.
        """
        if self.continuous:
            raise InputError(
                f"point group {self.name!r} is continuous, and so is every field of its symmetry: give a finite group, "
                "such as D6h"
            )
        return next(l for l in range(2, _MAX_L) if self.invariants(l) > self.continuous_invariants(l))

    def smallest_visible_l(self) -> int:
        """Smallest l for which the invariants of degree <= l, taken together, have no continuous symmetry.

        Features of lower degree, in any number of channels, are those of an axially symmetric or spherical environment, and
        so is whatever is built on them: the symmetry is invisible. It is `smallest_distinct_l` but for C_1 and C_s, where two
        vectors in different directions, l = 1, tell the environment from an axially symmetric one.

        Raises
        ------
        InputError
            If the group is continuous.
        """
        distinct = self.smallest_distinct_l()
        one_axis = not self.uniaxial or self.invariants(1) <= self._zonal(1)
        return distinct if one_axis else 1

    def molien_series(self) -> Any:
        """The generating function of `invariants` of natural parity, a rational function of the SymPy symbol t.

        Examples
        --------
        >>> point_group("Oh").molien_series()
        1/((t - 1)**2*(t + 1)**2*(t**2 + 1)*(t**2 - t + 1)*(t**2 + t + 1))
        """
        import sympy

        t = sympy.Symbol("t")
        rotations, unsigned = self.rotations.molien_series(t), self.unsigned.molien_series(t)
        if self.improper:
            odd = rotations - unsigned
            rotations = (unsigned + unsigned.subs(t, -t) + odd - odd.subs(t, -t)) / 2
        return sympy.factor(rotations)

    def operation_counts(self) -> tuple[dict[int, int], dict[int, int]]:
        """How many proper and how many improper elements a finite group has, by the order of the rotation det(g) g.

        Of the improper ones order 1 is inversion and order 2 a mirror.

        Raises
        ------
        InputError
            If the group is continuous.

        Examples
        --------
        >>> point_group("C3v").operation_counts()
        ({1: 1, 3: 2}, {2: 3})
        """
        if self.continuous:
            raise InputError(f"point group {self.name!r} has infinitely many elements: give a finite one")
        proper, every = self.rotations.rotation_counts(), self.unsigned.rotation_counts()
        if not self.improper:
            return proper, {}
        if self.inversion:
            return proper, dict(proper)
        rest = {n: count - proper.get(n, 0) for n, count in every.items()}
        return proper, {n: count for n, count in rest.items() if count}


def _degree(l: int) -> int:
    l = require_int("l", l, 0)
    if l > _MAX_L:
        raise InputError(f"l = {l} is beyond the tables of point groups: keep l at or below {_MAX_L}")
    return l


def _rotation_name(group: RotationGroup) -> str:
    if not group.is_uniaxial:
        return group.kind
    if group.kind == "D" and group.fold == 1:
        return "C2"
    return f"{group.kind}{'∞' if group.fold is None else group.fold}"


def _fixed(name: str, rotations: RotationGroup, unsigned: RotationGroup | None = None) -> PointGroup:
    """A group without improper elements, unless `unsigned` is given."""
    return PointGroup(name, rotations, unsigned or rotations, improper=unsigned is not None)


_T, _O, _I, _K = (RotationGroup(kind) for kind in ("T", "O", "I", "K"))
_C_ANY, _D_ANY, _C1, _C2 = (
    RotationGroup("C"),
    RotationGroup("D"),
    RotationGroup("C", 1),
    RotationGroup("C", 2),
)
_FIXED: dict[str, PointGroup] = {
    group.name: group
    for group in (
        _fixed("Cs", _C1, _C2), _fixed("Ci", _C1, _C1),
        _fixed("T", _T), _fixed("Td", _T, _O), _fixed("Th", _T, _T), _fixed("O", _O), _fixed("Oh", _O, _O),
        _fixed("I", _I), _fixed("Ih", _I, _I), _fixed("K", _K), _fixed("Kh", _K, _K),
        _fixed("C∞", _C_ANY), _fixed("C∞v", _C_ANY, _D_ANY), _fixed("C∞h", _C_ANY, _C_ANY),
        _fixed("D∞", _D_ANY), _fixed("D∞h", _D_ANY, _D_ANY),
    )
}  # fmt: skip


def point_group(symbol: str) -> PointGroup:
    """Return a point group by its Schoenflies symbol.

    Parameters
    ----------
    symbol
        ``Cn``, ``Cnv``, ``Cnh`` (n >= 1), ``Dn``, ``Dnh``, ``Dnd`` (n >= 2), ``S2n`` (an even number), ``Cs``, ``Ci``, ``T``,
        ``Td``, ``Th``, ``O``, ``Oh``, ``I``, ``Ih``; continuous: ``C∞``, ``C∞v``, ``C∞h``, ``D∞``, ``D∞h`` (``inf`` may
        stand for ∞), ``K`` and ``Kh``, all rotations without and with inversion. C1v and C1h are C_s with a mirror that holds the
        axis, and one across.

    Raises
    ------
    InputError
        If the symbol is none of these.

    Examples
    --------
    >>> point_group("O").axes
    ((4, 3), (3, 4), (2, 6))
    >>> [point_group(name).smallest_distinct_l() for name in ("C5", "D6h", "T", "O", "I")]
    [5, 6, 3, 4, 6]
    """
    if not isinstance(symbol, str):
        raise InputError(f"point group {symbol!r} is not text: {_SHAPE}")
    written = symbol.replace("inf", "∞")
    if written in _FIXED:
        return _FIXED[written]
    match = re.fullmatch(r"([CDS])([1-9][0-9]{0,3})([vhd]?)", symbol)
    kind, digits, suffix = match.groups() if match else ("", "", "")
    if suffix not in {"C": ("", "v", "h"), "D": ("", "h", "d"), "S": ("",)}.get(kind, ()) or (
        kind,
        digits,
    ) == ("D", "1"):
        raise InputError(f"point group {symbol!r} is unknown: {_SHAPE}")
    n = int(digits)
    if n > _MAX_FOLD:
        raise InputError(f"point group {symbol!r} has too high an axis: keep n at or below {_MAX_FOLD}")
    if kind == "S":
        if n % 2:
            raise InputError(f"point group {symbol!r} is C{n}h: write it so, and S with an even number only")
        n //= 2
    rotations = RotationGroup("D" if kind == "D" else "C", n)
    if kind != "S" and not suffix:
        return PointGroup(symbol, rotations, rotations, improper=False)
    if suffix == "v":
        return PointGroup(symbol, rotations, RotationGroup("D", n), improper=True)
    # Inversion belongs to Cnh and Dnh of even n, and to S2n and Dnd of odd n.
    if (n % 2 == 0) == (suffix == "h"):
        return PointGroup(symbol, rotations, rotations, improper=True)
    return PointGroup(symbol, rotations, RotationGroup(rotations.kind, 2 * n), improper=True)


def invariant_table(symbol: str, l_top: int, parity: int | None = None) -> tuple[int, ...]:
    """Number of invariants of a point group in degree 0, ..., l_top: the coefficients of its Molien series.

    Parameters
    ----------
    symbol
        Schoenflies symbol, see `point_group`.
    l_top
        Highest degree, an integer from 0 to 10000.
    parity
        As in `PointGroup.invariants`; by default the natural one, (-1)^l.

    Raises
    ------
    InputError
        If the symbol is unknown, `l_top` is not such an integer, or the parity is none.

    Examples
    --------
    >>> invariant_table("O", 9)
    (1, 0, 0, 0, 1, 0, 1, 0, 1, 1)
    """
    l_top = _degree(l_top)
    group = point_group(symbol)
    return tuple(group.invariants(l, parity) for l in range(l_top + 1))


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
    l = _degree(l)
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
