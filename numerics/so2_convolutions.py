r"""Convolutions of SO(2) in the frames of edges, in floating point: the linear maps of eSCN, EquiformerV2, eSEN and UMA.

With R any rotation that carries the edge's direction to the polar axis y, the message is
:math:`D^{l_3}(R)^T W D^{l_1}(R)`; W multiplies order m = 0 by a number and mixes the orders m and -m as a rotation and a
scaling do, so that it commutes with rotations about the axis, and the choice of R does not matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..theory._checks import require_int
from ..theory.errors import InputError
from ._checks import as_real
from .harmonics import as_directions
from .wigner import wigner_d


def frame_matrix(l_in: int, l_out: int, weights: ArrayLike) -> NDArray[np.float64]:
    """Return the map in the frame of the edge, shape (2 l_out + 1, 2 l_in + 1).

    Parameters
    ----------
    weights
        2 M + 1 numbers, M <= min(l_in, l_out): that of m = 0, then for m = 1, ..., M the real and imaginary part.

    Raises
    ------
    InputError
        The number of weights is even, or there are more than 2 min(l_in, l_out) + 1.
    """
    l_in, l_out = require_int("l_in", l_in, 0), require_int("l_out", l_out, 0)
    numbers = as_real("weights", weights, "(2 M + 1,)")
    most = 2 * min(l_in, l_out) + 1
    if numbers.ndim != 1 or len(numbers) % 2 == 0 or len(numbers) > most:
        raise InputError(f"weights have shape {numbers.shape}: give an odd number of them, at most {most}")
    matrix = np.zeros((2 * l_out + 1, 2 * l_in + 1))
    matrix[l_out, l_in] = numbers[0]
    for m in range(1, len(numbers) // 2 + 1):
        real, imaginary = numbers[2 * m - 1 : 2 * m + 1]
        matrix[l_out + m, l_in + m] = matrix[l_out - m, l_in - m] = real
        matrix[l_out + m, l_in - m] = -imaginary
        matrix[l_out - m, l_in + m] = imaginary
    return matrix


def so2_convolution(directions: ArrayLike, l_in: int, l_out: int, weights: ArrayLike) -> NDArray[np.float64]:
    """Return the linear maps of messages along edges, shape (n, 2 l_out + 1, 2 l_in + 1).

    Parameters
    ----------
    directions
        Directions of the edges, shape (n, 3).
    l_in, l_out, weights
        As for :func:`frame_matrix`; the number of weights says m_max.

    Raises
    ------
    InputError
        The weights do not fit, or the directions are no vectors.
    """
    inner = frame_matrix(l_in, l_out, weights)
    rotations = to_polar_axis(directions)
    return np.asarray(
        np.einsum("nij,ik,nkl->njl", wigner_d(l_out, rotations), inner, wigner_d(l_in, rotations))
    )


def to_polar_axis(directions: ArrayLike) -> NDArray[np.float64]:
    """Return a rotation for each direction that carries it to y, shape (n, 3, 3).

    Raises
    ------
    InputError
        The directions are no vectors.
    """
    r = as_directions(directions)
    # The helper axis is the one that the direction is farthest from.
    helper = np.eye(3)[np.abs(r).argmin(axis=1)]
    first = np.cross(r, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, r, np.cross(first, r)], axis=1)
