r"""Couplings of real harmonics in e3nn's convention, exact.

The real harmonics are :math:`Y^{real}_{lm} = \sum_{m'} U^l_{mm'} Y_{lm'}` with, for :math:`\mu = |m| > 0`,
:math:`U_{\mu,-\mu} = 1/\sqrt2`, :math:`U_{\mu,\mu} = (-1)^\mu/\sqrt2`, :math:`U_{-\mu,-\mu} = i/\sqrt2`,
:math:`U_{-\mu,\mu} = -i(-1)^\mu/\sqrt2`, and :math:`U_{00} = 1`. A real coupling adds the few complex ones
that these allow; all of them have the same size, so that the sum is again a root of a rational.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product

from ._checks import require_int, require_order
from .couplings import clebsch_gordan, gaunt, triangle
from .roots import ZERO, SignedRoot

Labels = tuple[int, int, int, int, int, int]


def _components(m: int) -> tuple[tuple[int, int], ...]:
    r"""Complex orders in the real harmonic of order m, each with the power of i of its :math:`U_{mm'}`."""
    mu = abs(m)
    if m == 0:
        return ((0, 0),)
    if m > 0:
        return ((-mu, 0), (mu, 2 * (mu % 2)))
    return ((-mu, 1), (mu, 3 + 2 * (mu % 2)))


def _combine(
    labels: Labels, complex_coupling: Callable[..., SignedRoot], last_conjugate: bool, turn: int
) -> SignedRoot:
    """Sum the complex couplings of one real coupling, times i^turn; the result must be real."""
    a, alpha, b, beta, c, gamma = labels
    size, total = ZERO, [0, 0]
    for (m1, p1), (m2, p2), (m3, p3) in product(_components(alpha), _components(beta), _components(gamma)):
        value = complex_coupling(a, m1, b, m2, c, m3)
        if value:
            power = (p1 + p2 + (-p3 if last_conjugate else p3) + turn) % 4
            total[power % 2] += value.sign * (1 if power < 2 else -1)
            size = SignedRoot.root(value.square)
    if total[1]:
        raise ArithmeticError(f"the real coupling {labels} came out imaginary")
    halves = sum(1 for m in (alpha, beta, gamma) if m)
    return size * SignedRoot.of(total[0]) * SignedRoot.root(Fraction(1, 2**halves))


def _labels(a: int, alpha: int, b: int, beta: int, c: int, gamma: int) -> Labels:
    """Return degrees and orders as ints; InputError for what is no integer or out of range."""
    a, b, c = (require_int(name, l, 0) for name, l in (("a", a), ("b", b), ("c", c)))
    alpha, beta, gamma = (
        require_order(name, m, l)
        for name, m, l in (("alpha", alpha, a), ("beta", beta, b), ("gamma", gamma, c))
    )
    return a, alpha, b, beta, c, gamma


def real_gaunt(a: int, alpha: int, b: int, beta: int, c: int, gamma: int) -> SignedRoot:
    r"""The mean over the sphere of three real harmonics in component normalisation, e3nn's convention.

    .. math:: \frac{1}{4\pi} \int Y_{a\alpha} Y_{b\beta} Y_{c\gamma}\, d\Omega

    which is :math:`\sqrt{4\pi}` times the integral of three harmonics of unit integral. The product of two
    harmonics is :math:`Y_{a\alpha} Y_{b\beta} = \sum_{c\gamma}` of it times :math:`Y_{c\gamma}`.

    Raises
    ------
    InputError
        If a degree is negative, an order out of range, or an argument not an integer.

    Examples
    --------
    >>> str(real_gaunt(1, -1, 1, 0, 2, -1))
    'sqrt(3/5)'
    """
    labels = a, alpha, b, beta, c, gamma = _labels(a, alpha, b, beta, c, gamma)
    if not triangle(a, b, c) or (a + b + c) % 2:
        return ZERO
    return _combine(labels, gaunt, last_conjugate=False, turn=0)


def real_wigner_3j(a: int, alpha: int, b: int, beta: int, c: int, gamma: int) -> SignedRoot:
    r"""The real 3j symbol of e3nn, ``e3nn.o3.wigner_3j(a, b, c)[a + alpha, b + beta, c + gamma]``, exact.

    The one rotation-invariant tensor of three real irreps, up to sign, normalised to
    :math:`\sum_{\alpha\beta\gamma} C^2 = 1`; the sign is that of e3nn's change of basis, in which the real
    harmonics Y_lm carry a factor :math:`(-i)^l`. For a+b+c even it is proportional to `real_gaunt`.

    Raises
    ------
    InputError
        If a degree is negative, an order out of range, or an argument not an integer.

    Examples
    --------
    >>> str(real_wigner_3j(1, -1, 1, 0, 1, 1))
    'sqrt(1/6)'
    """
    labels = a, alpha, b, beta, c, gamma = _labels(a, alpha, b, beta, c, gamma)
    if not triangle(a, b, c):
        return ZERO
    value = _combine(labels, clebsch_gordan, last_conjugate=True, turn=a + b - c)
    return value * SignedRoot.root(Fraction(1, 2 * c + 1))
