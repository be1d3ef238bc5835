"""Sets of directions on the sphere, each with its exactness stated.

| set | weights | exact for |
|---|---|---|
| :func:`haar_directions` | equal | nothing; unbiased, error 1/sqrt(n) |
| :func:`fibonacci_directions` | equal | nothing beyond l = 0; errors fall faster than 1/n for smooth
functions | | :func:`lebedev_directions` | some negative | every harmonic of degree <= its degree (to 131),
fewest points | | :func:`gauss_product_directions` | positive | every harmonic of degree <= any degree asked |
| :func:`rational_directions` | none | exact arithmetic: rational coordinates, and residues mod p |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import lebedev_rule
from scipy.spatial import cKDTree

from ..theory.errors import InputError
from ._checks import at_least, generator, integer
from .finite_field import check_prime
from .harmonics import as_directions

#: Degrees of the Lebedev rules that SciPy has.
LEBEDEV_DEGREES = (*range(3, 32, 2), *range(35, 132, 6))


@dataclass(frozen=True)
class SphereQuadrature:
    r"""Directions and weights that integrate every harmonic with l <= `degree`, so every polynomial of this degree, exactly.

    Attributes
    ----------
    directions
        Shape (n, 3), unit vectors.
    weights
        Shape (n,), summing to 1: the mean of f over the sphere is sum_k weights[k] f(directions[k]).
    degree
        Exactness: the product of harmonics of degrees a and b is integrated exactly when a + b <= degree.
    """

    directions: NDArray[np.float64]
    weights: NDArray[np.float64]
    degree: int

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True)
class RationalDirections:
    """Rational points of the sphere: numerators (n, 3), denominators (n,), int64, x^2 + y^2 + z^2 = w^2."""

    numerators: NDArray[np.int64]
    denominators: NDArray[np.int64]

    def __post_init__(self) -> None:
        x, w = self.numerators.astype(object), self.denominators.astype(object)  # squares may leave 64 bits
        if x.shape != (len(w), 3):
            raise InputError(
                f"numerators have shape {x.shape}: give ({len(w)}, 3), three for each denominator"
            )
        wrong = np.flatnonzero(((x * x).sum(axis=1) != w * w) | (w == 0))
        if len(wrong):
            row = int(wrong[0])
            raise InputError(
                f"direction {row}, {self.numerators[row].tolist()} / {self.denominators[row]}, is not on the unit "
                "sphere: give x^2 + y^2 + z^2 = w^2 with w not zero"
            )

    def __len__(self) -> int:
        return len(self.denominators)

    def to_float(self) -> NDArray[np.float64]:
        """Return the directions rounded to float64, shape (n, 3)."""
        return self.numerators / self.denominators[:, None]

    def mod(self, prime: int) -> NDArray[np.int64]:
        """Coordinates as residues 0..p-1, shape (n, 3); InputError if p divides a denominator."""
        prime = check_prime(prime)
        residues = self.denominators % prime
        if (residues == 0).any():
            row = int(np.flatnonzero(residues == 0)[0])
            raise InputError(
                f"p = {prime} divides the denominator {self.denominators[row]} of direction {row}: "
                "take another prime or leave the direction out"
            )
        inverses = np.array([pow(int(w), -1, prime) for w in residues], dtype=np.int64)
        return (self.numerators % prime) * inverses[:, None] % prime


def haar_directions(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw n independent directions, uniform on the sphere: shape (n, 3), unit vectors."""
    points = generator(rng).standard_normal((_count(n), 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points


def fibonacci_directions(n: int) -> NDArray[np.float64]:
    """Spiral of n directions with equal areas: shape (n, 3), unit vectors.

    Point k has y = 1 - (2k+1)/n and azimuth k times the golden angle (R. Swinbank and R. J. Purser,
    Q. J. R. Meteorol. Soc. 132, 1769 (2006)). Evenly spread, not an exact quadrature.
    """
    n = _count(n)
    k = np.arange(n)
    y = 1 - (2 * k + 1) / max(n, 1)
    azimuth = np.pi * (3 - np.sqrt(5)) * k
    radius = np.sqrt(1 - y**2)
    return np.stack([radius * np.sin(azimuth), y, radius * np.cos(azimuth)], axis=1)


def lebedev_directions(degree: int, positive: bool = False) -> SphereQuadrature:
    """Lebedev's rule: the smallest that SciPy has of at least this degree, up to 131.

    V. I. Lebedev and D. N. Laikov, Dokl. Math. 59, 477 (1999); about (degree+1)^2/3 points with the symmetry
    of the octahedron. Three rules (degrees 13, 25 and 27) have negative weights; `positive` passes over them.
    """
    degree = integer("the degree of the quadrature", degree)
    if not 0 <= degree <= LEBEDEV_DEGREES[-1]:
        raise InputError(
            f"no Lebedev rule is exact to degree {degree}: give 0 to 131, or use a Gauss product grid"
        )
    for exact in LEBEDEV_DEGREES:
        if exact >= degree:
            points, weights = lebedev_rule(exact)
            if not positive or (weights > 0).all():
                break
    return SphereQuadrature(np.ascontiguousarray(points.T), weights / (4 * np.pi), exact)


def gauss_product_directions(degree: int) -> SphereQuadrature:
    """Gauss-Legendre in y times degree + 1 equal steps in azimuth: exact to any degree, weights positive.

    The azimuth sum annihilates every order 0 < |m| <= degree, and floor(degree/2) + 1 Gauss nodes integrate
    the Legendre polynomials to degree. Rows run over y first: point (i, k) is row i (degree+1) + k.
    """
    degree = at_least("the degree of the quadrature", degree, 0)
    y, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    azimuth = 2 * np.pi * np.arange(degree + 1) / (degree + 1)
    radius = np.sqrt(1 - y**2)
    points = np.stack(
        [
            radius[:, None] * np.sin(azimuth),
            np.broadcast_to(y[:, None], (len(y), len(azimuth))),
            radius[:, None] * np.cos(azimuth),
        ],
        axis=-1,
    )
    all_weights = np.repeat(weights / 2 / len(azimuth), len(azimuth))
    return SphereQuadrature(points.reshape(-1, 3), all_weights, degree)


def rational_directions(n: int, rng: np.random.Generator, height: int = 1000) -> RationalDirections:
    """Draw n different rational points of the sphere.

    The Hopf map of integers a, b, c, d in a ball of radius `height` (uniform on the 3-sphere, so uniform here
    up to the lattice): (2(ac+bd), a^2+b^2-c^2-d^2, 2(bc-ad)) / (a^2+b^2+c^2+d^2).

    Raises
    ------
    InputError
        If height is too small for n different points, or so large that squares leave int64.
    """
    n, height = _count(n), integer("height", height)
    generator(rng)
    if not 1 <= height <= 2**29:
        raise InputError(f"height is {height}: give 1 to 2^29, so that squares stay in 64 bits")
    if n > height**2:
        raise InputError(f"height {height} is too small for {n} different rational directions: give more")
    points = np.empty((0, 4), dtype=np.int64)
    while len(points) < n:
        a, b, c, d = rng.integers(-height, height + 1, (4, 4 * n + 16))  # a ball fills 0.31 of its cube
        w = a * a + b * b + c * c + d * d
        rows = np.stack([2 * (a * c + b * d), a * a + b * b - c * c - d * d, 2 * (b * c - a * d), w], axis=1)
        rows = rows[(w > 0) & (w <= height * height)]
        rows //= np.gcd.reduce(rows, axis=1)[:, None]
        merged = np.concatenate([points, rows])
        _, first = np.unique(merged, axis=0, return_index=True)
        points = merged[np.sort(first)]
    return RationalDirections(points[:n, :3].copy(), points[:n, 3].copy())


def refuse_repeated(directions: ArrayLike) -> None:
    """Raise InputError naming the first two directions that are the same to 1e-12."""
    pairs = cKDTree(as_directions(directions)).query_pairs(1e-12)
    if pairs:
        i, j = min(pairs)
        raise InputError(f"directions {i} and {j} are the same: give different ones (repeats add no rank)")


def _count(n: int) -> int:
    return at_least("the number of directions", n, 0)
