r"""Explicit fields on the sphere with the symmetry of a point group, exact, for calibration.

Uniaxial groups keep the polar axis of the real harmonics (y, as in e3nn), where a rotation by 2 pi/n leaves the harmonics
of orders :math:`m = 0, \pm n, \pm 2n, \dots` unchanged: :math:`Y_{l,n}` has C_n and, being even in the azimuth, C_nv. The
two-fold axes of D_n lie where the azimuth vanishes (z); they multiply the even harmonic of order m by :math:`(-1)^{l+m}` and
the odd one by :math:`-(-1)^{l+m}`. Inversion multiplies by :math:`(-1)^l`, and inversion times a rotation by 2 pi/2n, which
C_nh and D_nh (n odd), S_2n and D_nd (n even) hold, multiplies orders :math:`\pm kn` by :math:`(-1)^{l+k}`. A harmonic of degree
l >= 2 and order m != 0 has no continuous symmetry: about y it turns, and a zonal harmonic about another axis has more than
one \|m\|.
For the polyhedral groups the field is the sum of the zonal harmonics about the corners of
a tetrahedron, octahedron or icosahedron, the corners of which the group permutes.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import sympy as sp

from ._checks import require_int
from .errors import InputError
from .harmonics import real_harmonic
from .point_groups import PointGroup, point_group
from .rotation_groups import RotationGroup

_MAX_L = 64


def orbit(symbol: str) -> tuple[tuple[Any, Any, Any], ...]:
    """Return the corners that a polyhedral group permutes, as exact unit vectors.

    The tetrahedron has corners (1, 1, 1), (1, -1, -1), ..., the octahedron those on the axes, the icosahedron the
    cyclic permutations of (0, 1, golden ratio) with all signs.

    Raises
    ------
    InputError
        If the group is not one of T, Td, Th, O, Oh, I, Ih.
    """
    if point_group(symbol).rotations.kind not in ("T", "O", "I"):
        raise InputError(
            f"point group {symbol!r} keeps an axis and permutes no corners: give T, Td, Th, O, Oh, I or Ih"
        )
    if symbol[0] == "I":
        golden = (1 + sp.sqrt(5)) / 2
        norm = sp.sqrt(1 + golden**2)
        edges = [(sp.Integer(0), a / norm, b * golden / norm) for a, b in product((1, -1), repeat=2)]
        return tuple((v[i], v[(i + 1) % 3], v[(i + 2) % 3]) for v in edges for i in range(3))
    if symbol in ("T", "Td"):
        return tuple(
            (sp.Integer(a) / sp.sqrt(3), sp.Integer(b) / sp.sqrt(3), sp.Integer(a * b) / sp.sqrt(3))
            for a, b in product((1, -1), repeat=2)
        )
    return tuple(
        (sp.Integer(s * (i == 0)), sp.Integer(s * (i == 1)), sp.Integer(s * (i == 2)))
        for i in range(3)
        for s in (1, -1)
    )


def harmonic_order(group: PointGroup, l: int) -> int | None:
    """The m of the real harmonic Y_lm with a uniaxial group's symmetry and no continuous one; None without one.

    It is the smallest |m|, positive (even in the azimuth) where both signs will do.

    Examples
    --------
    >>> [harmonic_order(point_group("D3h"), l) for l in (2, 3, 4, 5, 6, 8)]
    [None, 3, None, 3, 6, 6]
    """
    fold = group.rotations.fold
    if not group.uniaxial or fold is None or l < 2 or (group.inversion and l % 2):
        return None
    two_fold = group.rotations.kind == "D"
    # Inversion times the rotations of C_2n that are none of C_n.
    halved = group.improper and group.unsigned == RotationGroup(group.rotations.kind, 2 * fold)
    for k in (1, 2):
        if k * fold <= l and not (halved and (l + k) % 2):
            return -k * fold if two_fold and (l + k * fold) % 2 else k * fold
    return None


def symmetric_field(symbol: str, l: int | None = None) -> Any:
    """A field of one l with the symmetry of a point group and of no continuous group, as a SymPy polynomial.

    Parameters
    ----------
    symbol
        Schoenflies symbol of a finite group, see `point_group`.
    l
        The l, at least 2 (a field with l = 1 is axially symmetric); the smallest possible one if left out.

    Returns
    -------
    sympy.Expr
        Homogeneous of degree l in the real symbols x, y, z, harmonic, with mean square 1 over the unit sphere for the uniaxial
        groups and, for the others, the sum of the Legendre polynomials about the corners of `orbit`.

    Raises
    ------
    InputError
        If the symbol is unknown, or the group has no such field with this `l` made this way.

    Examples
    --------
    >>> symmetric_field("Td")
    20*sqrt(3)*x*y*z/3
    """
    group = point_group(symbol)
    smallest = group.smallest_distinct_l()
    degree = smallest if l is None else require_int("l", l, 0)
    if degree > _MAX_L:
        raise InputError(f"l = {degree} is too large to write a field down: keep l at or below {_MAX_L}")
    if group.uniaxial:
        order = harmonic_order(group, degree)
        if order is not None:
            return real_harmonic(degree, order).to_sympy()
    else:
        field = _zonal_sum(symbol, degree)
        if degree and field != 0:
            return field
    raise InputError(f"{symbol} has no field of its own with l = {degree}: the smallest is l = {smallest}")


def _zonal_sum(symbol: str, l: int) -> Any:
    """Return the sum over the corners a of r^l P_l(a . r / r), expanded."""
    axes = sp.symbols("x y z", real=True)
    r2 = sum(axis**2 for axis in axes)
    t = sp.Symbol("t", real=True)
    terms = sp.Poly(sp.legendre(l, t), t).terms()
    total = 0
    for corner in orbit(symbol):
        along = sum(c * axis for c, axis in zip(corner, axes, strict=True))
        total += sum(c * along**power * r2 ** ((l - power) // 2) for (power,), c in terms)
    polynomial = sp.Poly(sp.expand(total), *axes)
    monomials = (
        sp.Mul(*(axis**n for axis, n in zip(axes, powers, strict=True))) for powers in polynomial.monoms()
    )
    cleaned = (sp.radsimp(sp.expand(c)) for c in polynomial.coeffs())
    return sp.factor_terms(sp.Add(*(c * monomial for c, monomial in zip(cleaned, monomials, strict=True))))
