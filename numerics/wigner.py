r"""Real Wigner D matrices of rotations, by recursion in the degree, batched.

Convention (that of e3nn): :math:`Y_l(R r) = D_l(R)\,Y_l(r)` with the real harmonics of
:mod:`spectral_ceilings.numerics.harmonics`, so D_0 = 1, D_1(R) = R, and D_l(R S) = D_l(R) D_l(S).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..theory.errors import InputError
from ._checks import as_real, integer
from ._jit import jit

#: Highest degree for which unitarity and the group law are tested.
L_MAX_TESTED = 60

#: How far R^T R may be from the identity: a rotation given in float32 is still accepted, a scaled one is not.
_ORTHOGONALITY_TOLERANCE = 1e-5


def wigner_d(l: int, rotations: ArrayLike) -> NDArray[np.float64]:
    r"""Real Wigner D matrix of one degree.

    Parameters
    ----------
    l
        Degree, 0 <= l <= 60.
    rotations
        Rotation matrices, shape (..., 3, 3).

    Returns
    -------
    ndarray, shape (..., 2l+1, 2l+1), float64
        D[..., m+l, m'+l], orthogonal, with Y_l(R r) = D Y_l(r).

    Raises
    ------
    InputError
        If l is out of range or a matrix is not a proper rotation.
    """
    l = _check_degree(l)
    return wigner_d_all(l, rotations)[l]


def wigner_d_all(l_max: int, rotations: ArrayLike) -> list[NDArray[np.float64]]:
    r"""Real Wigner D matrices of every degree 0..l_max: a list of arrays of shape (..., 2l+1, 2l+1).

    D_l is the stretched part of R x D_{l-1}: D_l = C^T (R x D_{l-1}) C with C the isometry V_l -> V_1 x
    V_{l-1}, whose entries are the u, v, w of J. Ivanic and K. Ruedenberg, J. Phys. Chem. 100, 6342 (1996) and
    102, 9099 (1998). They divide by one entry per column instead of projecting, which is faster and loses
    five digits at l = 60; a projection never amplifies an error, so the error here grows linearly with l. See
    :func:`wigner_d` for the convention and the errors raised.
    """
    l_max = _check_degree(l_max)
    matrices = as_rotations(rotations)
    batch = matrices.shape[:-2]
    flat = np.ascontiguousarray(matrices.reshape(-1, 3, 3))
    degrees = [np.ones((len(flat), 1, 1)), flat.copy()][: l_max + 1]
    for degree in range(2, l_max + 1):
        out = np.empty((len(flat), 2 * degree + 1, 2 * degree + 1))
        _next_degree(flat, degrees[-1], *_stretched_coupling(degree), out)
        degrees.append(out)
    return [d.reshape(*batch, *d.shape[1:]) for d in degrees]


def _check_degree(l: int) -> int:
    degree = integer("l of a Wigner D matrix", l)
    if not 0 <= degree <= L_MAX_TESTED:
        raise InputError(f"l = {degree} of a Wigner D matrix is out of range: give 0 to {L_MAX_TESTED}")
    return degree


def as_rotations(rotations: ArrayLike) -> NDArray[np.float64]:
    """Return rotation matrices as float64 of shape (..., 3, 3), or raise InputError naming what is wrong."""
    matrices = as_real("rotations", rotations, "(..., 3, 3)")
    if matrices.ndim < 2 or matrices.shape[-2:] != (3, 3):
        raise InputError(f"rotations have shape {matrices.shape}: give an array of shape (..., 3, 3)")
    defect = np.abs(np.swapaxes(matrices, -1, -2) @ matrices - np.eye(3)).max(initial=0.0)
    if not defect < _ORTHOGONALITY_TOLERANCE:
        raise InputError(
            f"a rotation matrix R has |R^T R - 1| = {defect:.2g}: give orthogonal matrices (below 1e-5)"
        )
    if (np.linalg.det(matrices) < 0).any():
        raise InputError(
            "a rotation matrix has determinant -1: give proper rotations and apply the inversion as a parity"
        )
    return matrices


@lru_cache(maxsize=128)
def _stretched_coupling(degree: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Isometry V_l -> V_1 x V_{l-1} in the real basis, by rows m: (i, mu, coefficient), at most five terms.

    i = 0, 1, 2 counts x, y, z and mu runs 0..2l-2; absent terms have coefficient zero. The squares of the
    numbers u, v, w of Ivanic and Ruedenberg sum to l (2l-1) in every row, which normalises it.
    """
    width = 2 * degree + 1
    first = np.zeros((width, 5), dtype=np.int64)
    second = np.zeros((width, 5), dtype=np.int64)
    coefficient = np.zeros((width, 5))
    low = degree - 1
    for m in range(-degree, degree + 1):
        size = abs(m)
        v = 0.5 * np.sqrt((degree + size - 1) * (degree + size))
        w = -0.5 * np.sqrt((degree - size - 1) * (degree - size)) if size < low else 0.0
        u = np.sqrt((degree + m) * (degree - m))
        terms = [(1, m, u)] if size < degree else []
        if m == 0:
            v *= -np.sqrt(2.0)
            terms += [(2, 1, v), (0, -1, v)]
        elif m > 0:
            terms += [(2, m - 1, v * np.sqrt(2.0))] if m == 1 else [(2, m - 1, v), (0, 1 - m, -v)]
            terms += [(2, m + 1, w), (0, -m - 1, w)] if w else []
        else:
            terms += [(0, 0, v * np.sqrt(2.0))] if m == -1 else [(2, m + 1, v), (0, -m - 1, v)]
            terms += [(2, m - 1, w), (0, 1 - m, -w)] if w else []
        for t, (i, mu, value) in enumerate(terms):
            first[m + degree, t], second[m + degree, t] = i, mu + low
            coefficient[m + degree, t] = value / np.sqrt(degree * (2 * degree - 1))
    for array in (first, second, coefficient):
        array.setflags(write=False)
    return first, second, coefficient


@jit
def _next_degree(
    rotations: NDArray[np.float64],
    previous: NDArray[np.float64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    coefficient: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """D_l = C^T (R x D_{l-1}) C with the isometry C of :func:`_stretched_coupling`."""
    width, terms = coefficient.shape
    low = width - 2
    row = np.empty(3 * low)
    for n in range(rotations.shape[0]):
        r = rotations[n]
        d = previous[n]
        for m in range(width):
            row[:] = 0.0
            for t in range(terms):
                c = coefficient[m, t]
                if c != 0.0:
                    i = first[m, t]
                    mu = second[m, t]
                    for j in range(3):
                        factor = c * r[i, j]
                        for k in range(low):
                            row[j * low + k] += factor * d[mu, k]
            for k in range(width):
                total = 0.0
                for t in range(terms):
                    total += coefficient[k, t] * row[first[k, t] * low + second[k, t]]
                out[n, m, k] = total
