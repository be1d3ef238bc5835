r"""Upper bounds on the best polynomial approximation of activations: floating point, with every rounding counted.

:math:`E_d(s, [-\rho, \rho])` is at most the sum of the absolute values of the Chebyshev coefficients :math:`c_k`, k > d, of
:math:`s(\rho u)`. With :math:`|s| \le M(r)` on the ellipse of parameter r,

.. math:: |c_k| \le 2 M(r)\, r^{-k}, \qquad \sum_{k > d} |c_k| \le \frac{2 M(r)\, r^{-d}}{r - 1}

(L. N. Trefethen, Approximation Theory and Approximation Practice, theorems 8.1 and 8.2), for every r for which s is analytic
there. The first K coefficients are computed from values at K Chebyshev points, where coefficient k carries those of
2K - k, 2K + k, ... too; their sum is below the same tail. M(r) is bounded by closed forms on the strip that holds the
ellipse, so that nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, exp, inf, isfinite, log, log1p, pi, sin, sqrt, tan

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import erf as erf_of

from ..theory._checks import require_degree, require_int
from ..theory.activations import activation
from ..theory.errors import InputError
from ..theory.grids import Rule, SphereGrid, smallest_grid

_EPS = float(np.finfo(np.float64).eps)

#: Most Chebyshev coefficients that are computed; beyond, the tail alone bounds the error.
_MOST = 1 << 14

#: Largest bound on the values of features.
MOST_BOUND = 1e3


def activation_values(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an activation of real numbers, float64.

    Raises
    ------
    InputError
        The activation is unknown.
    """
    activation(name)
    return np.asarray(_FUNCTIONS[name](np.asarray(values, dtype=np.float64)), dtype=np.float64)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


_FUNCTIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "silu": lambda x: x * _sigmoid(x),
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "tanh": np.tanh,
    "gelu": lambda x: 0.5 * x * (1 + erf_of(x / sqrt(2))),
    "relu": lambda x: np.maximum(x, 0.0),
}


def _largest(name: str, a: float, b: float) -> float:
    """Bound abs(s) on the rectangle abs(Re z) <= a, abs(Im z) <= b that holds an ellipse.

    abs(1 + exp(-z)) >= 1 for abs(Im z) <= pi/2, >= sin(Im z) below pi; abs(tanh)^2 = (sinh^2 + sin^2) / (sinh^2 + cos^2);
    abs(Phi(z)) <= 1/2 + abs(z) exp(b^2 / 2) / sqrt(2 pi).
    """
    z = sqrt(a * a + b * b)
    if name == "gelu":
        return z * (0.5 + z * exp(b * b / 2) / sqrt(2 * pi)) if b < 30 else inf
    if name == "tanh":
        return max(1.0, tan(b)) if b < pi / 2 else inf
    if b >= pi:
        return inf
    smallest = 1.0 if b <= pi / 2 else sin(b)
    if name == "softplus":
        return sqrt(max(a + log1p(exp(-a)), -log(smallest)) ** 2 + pi**2)
    return (z if name == "silu" else 1.0) / smallest


@lru_cache(maxsize=64)
def _ellipses(name: str, bound: float) -> tuple[tuple[float, float], ...]:
    """Return (log r, log M(r)) of ellipses on which the activation is analytic."""
    reach = {"tanh": pi / 2, "gelu": 30.0}.get(name, pi)
    pairs = []
    for share in np.concatenate([np.linspace(0.01, 0.95, 60), 1 - np.logspace(-1.4, -6, 30)]):
        b = float(share) * reach
        half = b / bound  # the short half axis of the ellipse around [-1, 1]: (r - 1/r) / 2
        r = half + sqrt(half * half + 1)
        largest = _largest(name, bound * (r + 1 / r) / 2, b)
        if r > 1 and isfinite(largest):
            pairs.append((log(r), log(largest)))
    return tuple(pairs)


def _tail(name: str, bound: float, degree: int) -> float:
    """Bound the sum of the absolute Chebyshev coefficients above `degree`, by the best of the ellipses."""
    exponent = min(
        log(2) + largest - degree * rate - log(np.expm1(rate)) for rate, largest in _ellipses(name, bound)
    )
    return exp(exponent) if exponent < 700 else inf


@lru_cache(maxsize=64)
def _coefficients(name: str, bound: float) -> tuple[NDArray[np.float64], float]:
    """Return Chebyshev coefficients of s(bound u), and a bound on the sum of their errors and of all that are left out."""
    size = 32
    while size < _MOST and _tail(name, bound, size) > _EPS * bound:
        size *= 2
    points = np.cos(pi * (np.arange(size) + 0.5) / size)
    values = activation_values(name, bound * points)
    coefficients = np.asarray(dct(values, type=2)) / size
    coefficients[0] /= 2
    # Rounding, as the root of the sum of squares: of the points and values (slopes are below 1.2), and of the transform. The
    # sum of absolute values is at most sqrt(size) times that.
    rounding = (8 + 4 * log(size)) * _EPS * (1 + bound) * sqrt(size)
    return coefficients, 2 * _tail(name, bound, size - 1) + rounding


def approximation_error(name: str, degree: int, bound: float) -> float:
    r"""Return an upper bound on :math:`E_d(s, [-\rho, \rho])`, the error of the best polynomial of degree d.

    It is at most a small factor above :math:`E_d`, until it stops at the rounding of float64.

    Parameters
    ----------
    name
        silu, gelu, softplus, relu, tanh or sigmoid.
    degree
        Degree d of the polynomials, at least 1.
    bound
        :math:`\rho`, the largest absolute value that the activation is given, up to 1,000.

    Raises
    ------
    InputError
        An argument is wrong.

    Examples
    --------
    >>> [f"{approximation_error('silu', degree, 3.0):.1e}" for degree in (1, 2, 4, 8)]
    ['7.6e-01', '9.2e-02', '1.4e-02', '3.7e-04']
    """
    known, degree, bound = activation(name), require_degree(degree), _positive("bound", bound, MOST_BOUND)
    useful = known.useful_degree(degree)
    if not known.analytic:
        return bound / (pi * (useful + 1)) if useful > 1 else bound / 4
    coefficients, rest = _coefficients(known.name, bound)
    # Of an even function plus a linear one only even coefficients are left above the first, of an odd one odd ones.
    first = useful + 1 + (useful + 1 + (known.symmetry == "odd")) % 2
    summed = float(np.abs(coefficients[first::2]).sum()) + rest
    return min(summed, _tail(known.name, bound, useful))


def degree_for_error(name: str, bound: float, error: float) -> int:
    r"""Return the lowest degree d for which a grid exact for degree d misses by at most `error`: 2 E_d <= error.

    Parameters
    ----------
    name, bound
        As for :func:`approximation_error`.
    error
        Wanted error of the output, root mean square over the sphere.

    Raises
    ------
    InputError
        An argument is wrong, or no degree below 2,000 reaches the error.

    Examples
    --------
    >>> degree_for_error("silu", 3.0, 1e-3)
    8
    """
    known, error = activation(name), _positive("error", error, inf)
    bound = _positive("bound", bound, MOST_BOUND)
    if not known.analytic:
        wanted = ceil(2 * bound / (pi * error) - 1)
        return max(2, wanted + wanted % 2)
    for degree in range(1, 2000):
        if known.useful_degree(degree) == degree and 2 * approximation_error(name, degree, bound) <= error:
            return degree
    least = 2 * approximation_error(name, 2000, bound)
    raise InputError(
        f"no polynomial of degree below 2,000 brings the error of {name} up to {bound:g} below {error:g}: "
        f"ask for more than {least:.1e}"
    )


def grid_error_bound(
    grid: SphereGrid, name: str, bound: float, l_max: int, l_out: int | None = None
) -> float | None:
    r"""Return the bound :math:`2 E_d` on what a grid makes of an activation, d the highest degree that it is exact for.

    It bounds, as root mean square over the sphere, both the distance from the exact projection and how far the output misses a
    rotation of the input. It holds for all features below `bound`; errors of typical features are smaller by orders.

    Parameters
    ----------
    grid
        The grid.
    name, bound
        As for :func:`approximation_error`.
    l_max, l_out
        Highest l of the features, at least 1, and of the output (default: the same).

    Returns
    -------
    float or None
        None where the grid is not even exact for linear maps, or not exact up to 2 l_out: there is no bound then.

    Raises
    ------
    InputError
        An argument is wrong.

    Examples
    --------
    >>> from spectral_ceilings.theory import SphereGrid
    >>> f"{grid_error_bound(SphereGrid('fejer', 20, 19), 'silu', 1.0, 2):.1e}"
    '6.4e-08'
    """
    degree = grid.exact_degree(l_max, l_out)
    highest = l_max if l_out is None else l_out
    if not degree or grid.degree < 2 * highest:
        approximation_error(name, 1, bound)
        return None
    return 2 * approximation_error(name, degree, bound)


def grid_for_error(
    name: str, bound: float, error: float, l_max: int, l_out: int | None = None, rule: Rule = "fejer"
) -> tuple[int, SphereGrid]:
    """Return the smallest grid that is sure to miss by at most `error`, and the degree that it is exact for.

    Parameters
    ----------
    name, bound
        As for :func:`approximation_error`.
    error
        Wanted error of the output, root mean square over the sphere, in units of the activation's values.
    l_max, l_out
        Highest l of the features, at least 1, and of the output (default: the same).
    rule
        ``fejer`` or ``gauss``.

    Raises
    ------
    InputError
        An argument is wrong, or no grid that is built reaches the error.

    Examples
    --------
    >>> grid_for_error("silu", 3.0, 1e-3, 2)
    (8, SphereGrid(rule='fejer', polar=20, azimuthal=19))
    """
    require_int("l_max", l_max, 1)
    highest = l_max if l_out is None else require_int("l_out", l_out, 0)
    degree = max(degree_for_error(name, bound, error), -(-highest // l_max))
    return degree, smallest_grid(degree, l_max, l_out, rule)


def _positive(name: str, value: float, highest: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}: give a number above 0") from None
    if not (isfinite(number) and 0 < number <= highest):
        most = "" if highest == inf else f" and at most {highest:g}"
        raise InputError(f"{name} is {value!r}: give a number above 0{most}")
    return number
