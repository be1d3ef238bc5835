r"""Activations on a grid of the sphere, in floating point: the map itself, and how far it misses rotations.

Coefficients are those of harmonics with mean square 1 (component normalisation), so that a norm of coefficients is the root mean
square of the function over the sphere. The polar axis is y, as in e3nn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..theory._checks import require_int, require_l_max
from ..theory.errors import InputError
from ..theory.grids import SphereGrid
from ._checks import as_real
from .directions import SphereQuadrature
from .harmonics import real_harmonics
from .wigner import wigner_d_all

#: A function of the values at the points, element by element.
Pointwise = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def grid_directions(grid: SphereGrid) -> SphereQuadrature:
    """Return the points and weights of a grid: point (i, j) is row i M + j, polar angle i and azimuth 2 pi j / M.

    Gauss nodes in y = cos(beta), or beta = pi (i + 1/2) / N with the weights of Fejér's first rule.
    """
    size = grid.polar
    if grid.rule == "gauss":
        y, weights = np.polynomial.legendre.leggauss(size)
        sine = np.sqrt(1 - y * y)
    else:
        beta = np.pi * (np.arange(size) + 0.5) / size
        k = np.arange(1, (size + 1) // 2)
        y, sine = np.cos(beta), np.sin(beta)
        weights = 2 / size * (1 - 2 * (np.cos(2 * np.outer(beta, k)) / (4 * k * k - 1)).sum(axis=1))
    azimuth = 2 * np.pi * np.arange(grid.azimuthal) / grid.azimuthal
    points = np.stack(
        [
            np.outer(sine, np.sin(azimuth)),
            np.repeat(y[:, None], grid.azimuthal, axis=1),
            np.outer(sine, np.cos(azimuth)),
        ],
        axis=-1,
    )
    all_weights = np.repeat(weights / 2 / grid.azimuthal, grid.azimuthal)
    return SphereQuadrature(points.reshape(-1, 3), all_weights, grid.degree)


@dataclass(frozen=True)
class GridActivation:
    """Features to a grid, a pointwise function, and back; made by `grid_activation`.

    Attributes
    ----------
    grid
        The grid.
    l_max, l_out
        Highest l of the features and of the output.
    m_max
        Highest order of both, in the frame of an edge; None: every order.
    to_points, to_coefficients
        Harmonics at the points, shape (points, (l_max + 1)^2), and weighted ones, ((l_out + 1)^2, points).
    """

    grid: SphereGrid
    l_max: int
    l_out: int
    m_max: int | None
    to_points: NDArray[np.float64]
    to_coefficients: NDArray[np.float64]

    def __call__(self, coefficients: ArrayLike, function: Pointwise) -> NDArray[np.float64]:
        """Return the coefficients of the output, shape (..., (l_out + 1)^2).

        Raises
        ------
        InputError
            The coefficients are not real numbers of shape (..., (l_max + 1)^2).
        """
        features = _features(coefficients, self.l_max)
        values = np.asarray(function(features @ self.to_points.T), dtype=np.float64)
        return np.asarray(values @ self.to_coefficients.T)


def grid_activation(
    grid: SphereGrid, l_max: int, l_out: int | None = None, m_max: int | None = None
) -> GridActivation:
    """Return the map of features to a grid and back.

    Parameters
    ----------
    grid
        The grid.
    l_max, l_out
        Highest l of the features and of the output (default: the same).
    m_max
        In the frame of an edge: coefficients of higher orders are left out before and after; default: none are.

    Raises
    ------
    InputError
        An argument is not an integer, or too small.
    """
    l_max = require_l_max(l_max)
    l_out = l_max if l_out is None else require_int("l_out", l_out, 0)
    points = grid_directions(grid)
    harmonics = real_harmonics(max(l_max, l_out), points.directions)
    if m_max is not None:
        m_max = require_int("m_max", m_max, 0)
        harmonics = harmonics * (np.abs(_orders(max(l_max, l_out))) <= m_max)
    back = (points.weights[:, None] * harmonics[:, : (l_out + 1) ** 2]).T
    return GridActivation(grid, l_max, l_out, m_max, harmonics[:, : (l_max + 1) ** 2], back)


def rotation_miss(
    activation: GridActivation, function: Pointwise, coefficients: ArrayLike, rotations: ArrayLike
) -> NDArray[np.float64]:
    """Return how far the output misses rotations of the features: norm of out(R f) - R out(f), shape (n,).

    Parameters
    ----------
    coefficients
        Features, shape (n, (l_max + 1)^2).
    rotations
        Rotation matrices, shape (n, 3, 3); with m_max, rotations about y are what it should commute with.

    Raises
    ------
    InputError
        Shapes are wrong.
    """
    features = _features(coefficients, activation.l_max)
    turned = activation(turn(features, rotations), function)
    return np.asarray(np.linalg.norm(turned - turn(activation(features, function), rotations), axis=-1))


def turn(coefficients: NDArray[np.float64], rotations: ArrayLike) -> NDArray[np.float64]:
    """Return the coefficients of rotated functions, shape (n, (L + 1)^2)."""
    l_max = round(coefficients.shape[-1] ** 0.5) - 1
    parts = [
        np.einsum("nij,nj->ni", d, coefficients[:, l * l : (l + 1) ** 2])
        for l, d in enumerate(wigner_d_all(l_max, rotations))
    ]
    return np.concatenate(parts, axis=-1)


def largest_value(coefficients: ArrayLike, l_max: int) -> float:
    r"""Return an upper bound on the largest absolute value that functions up to `l_max` take on the sphere.

    The slope of such a function is at most :math:`L \sup |f|` (Bernstein), so that
    :math:`\sup |f| \le \max |f(r_i)| / (1 - L\delta)` for points of which some lie within the angle :math:`\delta` of
    every direction.

    Raises
    ------
    InputError
        The coefficients are not real numbers of shape (..., (l_max + 1)^2).
    """
    features = _features(coefficients, l_max)
    size = 32 * (l_max + 1)
    directions = _dense(size)
    values = np.abs(real_harmonics(l_max, directions) @ features.reshape(-1, features.shape[-1]).T).max()
    # Half a step in beta, pi / (2 size), and half a step in alpha, pi / (2 size), along circles no longer than the equator.
    return float(values) / (1 - l_max * np.pi / size)


@lru_cache(maxsize=4)
def _dense(size: int) -> NDArray[np.float64]:
    return grid_directions(SphereGrid("fejer", size, 2 * size)).directions


def _orders(l_max: int) -> NDArray[np.int64]:
    return np.concatenate([np.arange(-l, l + 1) for l in range(l_max + 1)])


def _features(coefficients: ArrayLike, l_max: int) -> NDArray[np.float64]:
    shape = f"(..., {(l_max + 1) ** 2})"
    features = as_real("coefficients", coefficients, shape)
    if features.ndim < 1 or features.shape[-1] != (l_max + 1) ** 2:
        raise InputError(f"coefficients have shape {features.shape}: give an array of shape {shape}")
    return features
