r"""Real spherical harmonics of directions, in Cartesian form, to l = 200 in float64.

Convention (that of e3nn): y is the polar axis, orders run m = -l..l, and l = 1 is proportional to (x, y, z).
With cos(beta) = y and sin(beta) exp(i alpha) = z + i x,

.. math::
    Y_{lm} = N_{lm}\, P_l^{|m|}(y)\,/\sin^{|m|}\beta \times
    \begin{cases}
        \sqrt 2\, \mathrm{Re}(z + ix)^m & m > 0\\ 1 & m = 0\\ \sqrt 2\, \mathrm{Im}(z + ix)^{|m|} & m < 0
    \end{cases}

without the Condon-Shortley sign. No angle is ever formed, so the poles are ordinary points.

"component" normalisation means sum over m of Y_lm(r)^2 = 2l + 1 (mean square over the sphere 1 for each
component); "integral" divides by sqrt(4 pi), so that the integral of Y_lm^2 over the sphere is 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..theory.errors import InputError
from ._checks import as_real, up_to
from ._jit import jit, jit_inline

Normalization = Literal["component", "integral"]

#: Highest degree up to which the error bound of :func:`harmonics_error_bound` is tested.
L_MAX_TESTED = 200


#: For this many directions it pays to compile (once; kept on disk) a kernel for one l_max, up to this l_max.
_MANY, _UNROLLED = 10_000, 12


def real_harmonics(
    l_max: int, directions: ArrayLike, normalization: Normalization = "component"
) -> NDArray[np.float64]:
    r"""Evaluate all real spherical harmonics with l = 0..l_max on directions.

    Parameters
    ----------
    l_max
        Highest degree, 0 <= l_max <= 200.
    directions
        Shape (N, 3); of any length but zero: each is normalised first.
    normalization
        "component" (sum_m Y_lm^2 = 2l+1) or "integral" (orthonormal on the sphere).

    Returns
    -------
    ndarray, shape (N, (l_max+1)^2), float64
        Column l^2 + l + m holds Y_lm. The absolute error is at most :func:`harmonics_error_bound`.

    Raises
    ------
    InputError
        If l_max is out of range, the shape is not (N, 3), or a direction is zero or not finite.

    Notes
    -----
    Order by order, q_l = P_l^m / sin^m follows the three-term recurrence of normalised associated Legendre
    functions q_l = a_lm (y q_{l-1} - b_lm q_{l-2}), a = sqrt((4l^2-1)/(l^2-m^2)) and
    b = sqrt(((l-1)^2-m^2)/(4(l-1)^2-1)), upwards in l, where it is stable (S. A. Holmes and W. E. Featherstone,
    J. Geodesy 76, 279 (2002)).

    Cost: for each pair l, m > 0 four operations of the recurrence and two products give two values, 3 (l_max+1)^2 operations for
    a point, of which 8 (l_max+1)^2 bytes are written: 3/8 of an operation for a byte. For 100,000 points a processor core takes
    60 to 70 % of the time at l_max 8 and 12 to fill a new array of that size (benchmark ``numerics-harmonics``): most of it is
    memory.
    """
    l_max = _check_l_max(l_max)
    if normalization not in ("component", "integral"):
        raise InputError(f"normalization {normalization!r} is unknown: give 'component' or 'integral'")
    points = _as_points(directions)
    out = np.empty((len(points), (l_max + 1) ** 2))
    if l_max <= _UNROLLED and len(points) >= _MANY:
        bad = _fill_unrolled(l_max, normalization)(points, out)
    else:
        bad = _fill_any(l_max, points, *_recurrence_coefficients(l_max, normalization), out)
    if bad >= 0:
        _refuse(points, bad)
    return out


def harmonics_error_bound(l_max: int, normalization: Normalization = "component") -> NDArray[np.float64]:
    r"""Bound on the absolute error of :func:`real_harmonics`, one number for each l = 0..l_max.

    .. math:: |\delta Y_{lm}| \le (l+1)^2\sqrt{2l+1}\;\epsilon, \qquad \epsilon = 2^{-52}

    in "component" normalisation. It is met near the poles, where rounding y alone moves P_l(y) by l(l+1)/2
    eps/2 (P_l' is l(l+1)/2 there); elsewhere the error is about sqrt(l) times smaller. Tested against
    50-digit arithmetic to l = 200, at, near and away from the poles.
    """
    l_max = _check_l_max(l_max)
    if normalization not in ("component", "integral"):
        raise InputError(f"normalization {normalization!r} is unknown: give 'component' or 'integral'")
    degrees = np.arange(l_max + 1)
    bound: NDArray[np.float64] = np.finfo(np.float64).eps * (degrees + 1.0) ** 2 * np.sqrt(2 * degrees + 1)
    return bound if normalization == "component" else bound / np.sqrt(4 * np.pi)


def as_directions(directions: ArrayLike) -> NDArray[np.float64]:
    """Return directions as unit vectors, shape (N, 3) float64, or raise InputError naming the wrong one."""
    points = _as_points(directions).copy()
    bad = _normalize(points)
    if bad >= 0:
        _refuse(np.asarray(directions, dtype=np.float64), bad)
    return points


def _as_points(directions: ArrayLike) -> NDArray[np.float64]:
    points = np.ascontiguousarray(as_real("directions", directions, "(N, 3)"))
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"directions have shape {np.shape(directions)}: give an array of shape (N, 3)")
    return points


def _refuse(points: NDArray[np.float64], row: int) -> NoReturn:
    if np.isfinite(points[row]).all():
        raise InputError(f"direction {row} has length zero: leave it out")
    raise InputError(f"direction {row} is {points[row].tolist()}: give finite numbers only")


def _check_l_max(l_max: int) -> int:
    return up_to("l_max", l_max, L_MAX_TESTED, "where the error bound of the harmonics is tested")


@lru_cache(maxsize=8)
def _recurrence_coefficients(
    l_max: int, normalization: Normalization
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """q_mm for each m (with the factor sqrt 2 for m > 0), and a_lm, a_lm b_lm in the order of their use."""
    first = np.ones(l_max + 1)
    for m in range(1, l_max + 1):
        first[m] = first[m - 1] * np.sqrt((2 * m + 1) / (2 * m))
    first[1:] *= np.sqrt(2.0)
    if normalization == "integral":
        first /= np.sqrt(4 * np.pi)
    steps = []
    for m in range(l_max + 1):
        degrees = np.arange(m + 1, l_max + 1, dtype=np.float64)
        a = np.sqrt((4 * degrees**2 - 1) / (degrees**2 - m**2))
        b = np.sqrt(((degrees - 1) ** 2 - m**2) / (4 * (degrees - 1) ** 2 - 1).clip(1))
        steps.append(np.stack([a, a * b], axis=1).ravel())
    packed = np.concatenate(steps)
    for array in (first, packed):
        array.setflags(write=False)
    return first, packed


@jit
def _unit(x: float, y: float, z: float) -> tuple[float, float, float, bool]:
    """Unit vector along (x, y, z), and whether there is one; squares neither overflow nor vanish."""
    square = x * x + y * y + z * z
    if not 1e-200 < square < 1e200:
        largest = max(abs(x), abs(y), abs(z))
        if not (largest > 0.0 and math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
            return x, y, z, False
        power = -math.frexp(largest)[1]  # a power of two: no rounding
        x, y, z = math.ldexp(x, power), math.ldexp(y, power), math.ldexp(z, power)
        square = x * x + y * y + z * z
    inverse = 1.0 / math.sqrt(square)
    return x * inverse, y * inverse, z * inverse, True


@jit
def _normalize(points: NDArray[np.float64]) -> int:
    """Normalise in place; return the first row that has no direction, or -1."""
    for n in range(points.shape[0]):
        x, y, z, good = _unit(points[n, 0], points[n, 1], points[n, 2])
        if not good:
            return n
        points[n, 0] = x
        points[n, 1] = y
        points[n, 2] = z
    return -1


#: Points whose lengths are computed together.
_CHUNK = 64


def _fill(
    l_max: int,
    points: NDArray[np.float64],
    first: NDArray[np.float64],
    steps: NDArray[np.float64],
    out: NDArray[np.float64],
) -> int:
    """Fill rows of harmonics; return the first row that has no direction, or -1.

    Point by point, the row is written while it is in cache and the processor overlaps the recurrences of
    different orders: faster than vectors of points, whose results have to be transposed.
    """
    inverse = np.empty(_CHUNK)
    for n in range(points.shape[0]):
        # Lengths of a chunk at once: a loop without branches, in which roots and quotients are vectorised.
        i = n % _CHUNK
        if i == 0:
            for j in range(min(_CHUNK, points.shape[0] - n)):
                x = points[n + j, 0]
                y = points[n + j, 1]
                z = points[n + j, 2]
                square = x * x + y * y + z * z
                inverse[j] = 1.0 / math.sqrt(square) if 1e-200 < square < 1e200 else 0.0
        x = points[n, 0]
        y = points[n, 1]
        z = points[n, 2]
        if inverse[i] > 0.0:
            x *= inverse[i]
            y *= inverse[i]
            z *= inverse[i]
        else:
            x, y, z, good = _unit(x, y, z)
            if not good:
                return n
        k = 0
        before = 0.0
        current = first[0]
        out[n, 0] = current
        for degree in range(1, l_max + 1):
            value = steps[k] * y * current - steps[k + 1] * before
            k += 2
            before = current
            current = value
            out[n, degree * degree + degree] = value
        cosine = z
        sine = x
        for m in range(1, l_max + 1):
            before = 0.0
            current = first[m]
            column = m * m + m
            out[n, column + m] = current * cosine
            out[n, column - m] = current * sine
            for degree in range(m + 1, l_max + 1):
                value = steps[k] * y * current - steps[k + 1] * before
                k += 2
                before = current
                current = value
                column = degree * degree + degree
                out[n, column + m] = value * cosine
                out[n, column - m] = value * sine
            turned = cosine * z - sine * x
            sine = cosine * x + sine * z
            cosine = turned
    return -1


_fill_any = jit(_fill)
_fill_inline = jit_inline(_fill)


@lru_cache(maxsize=16)
def _fill_unrolled(l_max: int, normalization: Normalization) -> Callable[..., int]:
    """Return the same for one l_max, with loops unrolled and coefficients as constants of the program."""
    first, steps = _recurrence_coefficients(l_max, normalization)

    def fixed(points: NDArray[np.float64], out: NDArray[np.float64]) -> int:
        return _fill_inline(l_max, points, first, steps, out)

    return jit(fixed)
