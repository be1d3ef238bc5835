r"""Angular terms of `theory` evaluated on configurations: the labels that whole models are trained on.

A star's term is a function of the unit vectors :math:`\hat r_j` from the centre to its neighbours; a chain's of the unit vectors
:math:`\hat r_{ba}, \hat r_{bc}, \hat r_{cd}`. Energies are in arbitrary units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.polynomial.legendre import legval
from numpy.typing import NDArray

from ...theory.angular_terms import PairTerm, ProductTerm, TorsionTerm
from ...theory.errors import InputError

Term = PairTerm | ProductTerm | TorsionTerm
_Array = NDArray[np.float64]

#: Kinds of terms, by the name that the command takes.
KINDS = ("pairs", "products", "torsions")

#: Products of two angles that are run: no l above 2, so that L decides which part of them is representable.
PRODUCTS = ((1, 1), (1, 2), (2, 2))


def star_terms(kinds: Sequence[str], max_l: int) -> tuple[Term, ...]:
    """Return the terms of a star of three neighbours: pairs with l = 1..max_l, then products of two angles."""
    pairs = [PairTerm(l) for l in range(1, max_l + 1)] if "pairs" in kinds else []
    products = [ProductTerm(*both) for both in PRODUCTS] if "products" in kinds else []
    return (*pairs, *products)


def chain_terms(kinds: Sequence[str], max_l: int) -> tuple[Term, ...]:
    """Return the torsions of a chain, l = 1..min(max_l, 3)."""
    return tuple(TorsionTerm(l) for l in range(1, min(max_l, 3) + 1)) if "torsions" in kinds else ()


def term_of(name: str) -> Term:
    """Return the term that a name such as ``pair(3)`` means: the inverse of ``term.name``.

    Raises
    ------
    InputError
        It names none.
    """
    match = re.fullmatch(r"(pair|product|torsion)\((\d+)(?:,(\d+))?\)", name)
    if match is not None and (match[1] == "product") == (match[3] is not None):
        if match[1] == "product":
            return ProductTerm(int(match[2]), int(match[3]))
        return PairTerm(int(match[2])) if match[1] == "pair" else TorsionTerm(int(match[2]))
    raise InputError(f"{name!r} names no term: give pair(l), product(l1,l2) or torsion(l)")


def legendre_values(l: int, x: _Array) -> _Array:
    """Return P_l(x), an array of the shape of ``x``."""
    return np.asarray(legval(x, np.eye(l + 1)[l]))


def term_values(term: Term, directions: _Array) -> _Array:
    r"""Return the term of every configuration.

    Parameters
    ----------
    term
        Of a star or of a chain.
    directions
        ``(configurations, neighbours, 3)``, unit vectors; for a torsion those of a-b, b-c and c-d, from b and c.

    Returns
    -------
    ndarray
        ``(configurations,)``: the sum over pairs or ordered triples of neighbours, as `theory` defines the term.
    """
    cosines = np.einsum("nia,nja->nij", directions, directions)
    if isinstance(term, TorsionTerm):
        return _torsion(term.l, cosines)
    count = directions.shape[1]
    if isinstance(term, PairTerm):
        values = legendre_values(term.l, cosines)
        return np.asarray(sum(values[:, j, k] for j in range(count) for k in range(j + 1, count)))
    first, second = legendre_values(term.l_first, cosines), legendre_values(term.l_second, cosines)
    return np.asarray(
        sum(
            first[:, j, k] * second[:, j, m]
            for j in range(count)
            for k in range(count)
            for m in range(count)
            if len({j, k, m}) == 3
        )
    )


def _torsion(l: int, cosines: _Array) -> _Array:
    """s^l T_l(x / s) of u = r_ba, w = r_bc, v = r_cd, by Chebyshev's recursion without a division."""
    uw, vw, uv = cosines[:, 0, 1], cosines[:, 1, 2], cosines[:, 0, 2]
    x, square = uv - uw * vw, (1.0 - uw**2) * (1.0 - vw**2)
    before, current = np.ones_like(x), x
    for _ in range(l - 1):
        before, current = current, 2.0 * x * current - square * before
    return current
