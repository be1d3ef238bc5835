r"""Rotations: Haar-random samples and quadrature on SO(3).

The Haar measure is normalised to total weight 1 throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError
from ._checks import as_real, at_least, generator
from .directions import gauss_product_directions, lebedev_directions

Kind = Literal["product", "lebedev"]


@dataclass(frozen=True)
class SO3Quadrature:
    r"""Rotations and weights that integrate every Wigner matrix element of degree <= `degree` exactly.

    Attributes
    ----------
    rotations
        Shape (n, 3, 3).
    weights
        Shape (n,), positive, summing to 1: the integral of f is approximated by sum_k weights[k]
        f(rotations[k]).
    degree
        Exactness: a product of two functions of bands a and b is integrated exactly when a + b <= degree.
    """

    rotations: NDArray[np.float64]
    weights: NDArray[np.float64]
    degree: int

    def __len__(self) -> int:
        return len(self.weights)


def haar_rotations(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw n independent rotations from the Haar measure: shape (n, 3, 3), float64.

    A normalised 4-vector of Gaussians is uniform on the unit quaternions, which cover SO(3) twice, evenly.
    """
    n = at_least("the number of rotations", n, 0)
    return rotations_from_normals(generator(rng).standard_normal((n, 4)))


def rotations_from_normals(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices, shape (n, 3, 3), of the directions of 4-vectors, shape (n, 4): Haar-random of Gaussian ones."""
    return rotations_from_quaternions(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def rotations_from_quaternions(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices, shape (n, 3, 3), of unit quaternions (w, x, y, z), shape (n, 4).

    Raises
    ------
    InputError
        If they are not real numbers of that shape.
    """
    quaternion = as_real("quaternions", quaternion, "(n, 4)")
    if quaternion.ndim != 2 or quaternion.shape[1] != 4:
        raise InputError(f"quaternions have shape {quaternion.shape}: give an array of shape (n, 4)")
    w, x, y, z = quaternion.T
    matrix = np.empty((len(quaternion), 3, 3))
    matrix[:, 0, 0] = 1 - 2 * (y * y + z * z)
    matrix[:, 0, 1] = 2 * (x * y - w * z)
    matrix[:, 0, 2] = 2 * (x * z + w * y)
    matrix[:, 1, 0] = 2 * (x * y + w * z)
    matrix[:, 1, 1] = 1 - 2 * (x * x + z * z)
    matrix[:, 1, 2] = 2 * (y * z - w * x)
    matrix[:, 2, 0] = 2 * (x * z - w * y)
    matrix[:, 2, 1] = 2 * (y * z + w * x)
    matrix[:, 2, 2] = 1 - 2 * (x * x + y * y)
    return matrix


def so3_quadrature(degree: int, kind: Kind = "product") -> SO3Quadrature:
    r"""Quadrature on SO(3), exact for all D^l_{mm'} with l <= degree, weights positive.

    R = R_y(alpha) R_x(beta) R_y(gamma), gamma on degree + 1 equal steps, and (alpha, beta)

    - "product": alpha on degree + 1 equal steps, cos(beta) on floor(degree/2) + 1 Gauss-Legendre nodes:
      about degree^3 / 2 rotations;
    - "lebedev": the direction R y on a Lebedev rule of at least that degree, up to 131: about degree^3 / 3.

    Proof. The sum over gamma annihilates every column m' of D^l with 0 < |m'| <= degree. What is left,
    D^l_{m0}(R), is Y_lm(R y) / sqrt(2l+1) and depends on the direction R y alone, which either rule on the
    sphere integrates to degree.

    Raises
    ------
    InputError
        If the degree is negative, beyond the Lebedev rules, or the kind unknown.
    """
    degree = at_least("the degree of the quadrature", degree, 0)
    if kind == "product":
        sphere = gauss_product_directions(degree)
    elif kind == "lebedev":
        sphere = lebedev_directions(degree, positive=True)
    else:
        raise InputError(f"kind of quadrature {kind!r} is unknown: give 'product' or 'lebedev'")
    turns = _rotation_about_y(2 * np.pi * np.arange(degree + 1) / (degree + 1))
    rotations = np.einsum("nij,gjk->ngik", _rotation_to(sphere.directions), turns, optimize=True)
    weights = np.repeat(sphere.weights / (degree + 1), degree + 1)
    return SO3Quadrature(np.ascontiguousarray(rotations.reshape(-1, 3, 3)), weights, degree)


def _rotation_to(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations R_y(alpha) R_x(beta) that carry the y axis to each direction, (n, 3, 3)."""
    x, y, z = directions.T
    sine = np.hypot(x, z)
    safe = np.where(sine > 0, sine, 1.0)
    s, c = np.where(sine > 0, x / safe, 0.0), np.where(sine > 0, z / safe, 1.0)
    zero = np.zeros_like(x)
    # columns: images of x, y and z
    rows = [c, s * sine, s * y, zero, y, -sine, -s, c * sine, c * y]
    return np.stack(rows, axis=-1).reshape(-1, 3, 3)


def _rotation_about_y(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    c, s, zero, unit = np.cos(angles), np.sin(angles), np.zeros_like(angles), np.ones_like(angles)
    return np.stack([c, zero, s, zero, unit, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)
