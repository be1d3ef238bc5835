r"""Rotations: Haar-random samples and quadrature on SO(3).

The Haar measure is normalised to total weight 1 throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError


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
    if n < 0:
        raise InputError(f"the number of rotations is {n}: give zero or more")
    quaternion = rng.standard_normal((n, 4))
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    return rotations_from_quaternions(quaternion)


def rotations_from_quaternions(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices, shape (n, 3, 3), of unit quaternions (w, x, y, z), shape (n, 4)."""
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


def so3_quadrature(degree: int) -> SO3Quadrature:
    r"""Product quadrature on SO(3), exact for all D^l_{mm'} with l <= degree.

    R = R_y(alpha) R_x(beta) R_y(gamma): alpha and gamma uniform on degree + 1 points each, cos(beta) on the
    floor(degree/2) + 1 Gauss-Legendre nodes; (degree+1)^2 (floor(degree/2)+1) rotations.

    Proof: D^l_{mm'} depends on alpha and gamma through cos and sin of m alpha and m' gamma, |m|, |m'| <=
    degree, which sums over degree + 1 equally spaced points annihilate unless m = m' = 0; D^l_{00} = P_l(cos
    beta) is a polynomial of degree l, and g Gauss nodes are exact to degree 2g - 1.

    Raises
    ------
    InputError
        If degree is negative.
    """
    if degree < 0:
        raise InputError(f"the degree of the quadrature is {degree}: give zero or more")
    n_turn = degree + 1
    nodes, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    angles = 2 * np.pi * np.arange(n_turn) / n_turn
    turn = _rotation_about_y(angles)
    tilt = _rotation_about_x(nodes)
    rotations = np.einsum("aij,bjk,ckl->abcil", turn, tilt, turn, optimize=True).reshape(-1, 3, 3)
    all_weights = np.broadcast_to((weights / 2)[None, :, None] / n_turn**2, (n_turn, len(nodes), n_turn))
    return SO3Quadrature(rotations, all_weights.reshape(-1).copy(), degree)


def _rotation_about_y(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    c, s, zero, one = np.cos(angles), np.sin(angles), np.zeros_like(angles), np.ones_like(angles)
    return np.stack([c, zero, s, zero, one, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)


def _rotation_about_x(cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    c = cosines
    s, zero, one = np.sqrt(1 - c**2), np.zeros_like(c), np.ones_like(c)
    return np.stack([one, zero, zero, zero, c, -s, zero, s, c], axis=-1).reshape(-1, 3, 3)
