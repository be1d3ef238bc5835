"""Fields on the sphere of one degree and of a point group's symmetry, as numbers: what the calibration learns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike, NDArray

from ...numerics.directions import gauss_product_directions
from ...numerics.harmonics import as_directions, real_harmonics
from ...theory.errors import InputError
from ...theory.point_groups import PointGroup, point_group
from ...theory.symmetric_fields import harmonic_order, orbit

#: Degrees above this are beyond every grid of (degree, l_max) that is trained here.
MAX_L = 25


@dataclass(frozen=True)
class SymmetricField:
    r"""A real field of one pure l with the symmetry of a point group, of mean square 1 over the sphere.

    For a group that keeps an axis it is a harmonic about the polar axis y, of order n or 2n (C_5: Re Y_55), for T, O and I the
    sum of the zonal harmonics about the corners of a tetrahedron, octahedron or icosahedron; up to a factor the fields of
    `theory.symmetric_field`.

    Attributes
    ----------
    symbol
        Schoenflies symbol of the group.
    l
        Degree of the field.
    """

    symbol: str
    l: int

    def values(self, directions: ArrayLike) -> NDArray[np.float64]:
        """Return the field at directions ``(N, 3)``: ``(N,)``, dimensionless."""
        points = as_directions(directions)
        return np.asarray(_raw(self.symbol, self.l, points) / _root_mean_square(self.symbol, self.l))

    def representable(self, degree: int, l_max: int) -> bool:
        """Whether polynomials of this degree in harmonics l <= l_max hold the field: l <= degree * l_max, else nothing of it."""
        return self.l <= degree * l_max


def symmetric_field_of(symbol: str, l: int | None = None) -> SymmetricField:
    """Return the field of a point group, of the smallest degree that is its own if no degree is given.

    Raises
    ------
    InputError
        The group is unknown, has no field of this degree, or the degree is above 25.

    Examples
    --------
    >>> symmetric_field_of("C5"), symmetric_field_of("O").l
    (SymmetricField(symbol='C5', l=5), 4)
    """
    group = point_group(symbol)
    smallest = group.smallest_distinct_l()
    degree = smallest if l is None else l
    if isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
        raise InputError(f"l of the field is {l!r}: give an integer of at least 1")
    if degree > MAX_L:
        raise InputError(
            f"a field of {symbol} with l = {degree} is above every ceiling that is trained: use an l of at most {MAX_L}"
        )
    if degree < smallest or not _exists(group, degree):
        raise InputError(f"{symbol} has no field of its own with l = {degree}: the smallest l is {smallest}")
    return SymmetricField(symbol, degree)


def _exists(group: PointGroup, l: int) -> bool:
    if group.uniaxial:
        return harmonic_order(group, l) is not None
    return _root_mean_square(group.name, l) > 0.0


def _raw(symbol: str, l: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
    order = harmonic_order(point_group(symbol), l)
    if order is not None:
        return real_harmonics(l, points)[:, l * l + l + order]
    corners = np.array([[float(c) for c in corner] for corner in orbit(symbol)])
    series = np.zeros(l + 1)
    series[l] = 1.0
    return np.asarray(legendre.legval(points @ corners.T, series).sum(axis=1))


def _root_mean_square(symbol: str, l: int) -> float:
    """Exact by quadrature; zero where the field vanishes, up to rounding of the sum over corners."""
    grid = gauss_product_directions(2 * l)
    root = float(np.sqrt(grid.weights @ _raw(symbol, l, grid.directions) ** 2))
    # A sum of at most 12 terms of size 1, each good to about l^2 eps: what is below is zero.
    return root if root > 12 * (l + 1) ** 2 * float(np.finfo(np.float64).eps) else 0.0
