r"""Clebsch-Gordan and Gaunt coefficients of integer degrees, exact, from closed forms over the integers.

Complex harmonics carry the Condon-Shortley phase, as SymPy and SciPy do:
:math:`Y_{ll} = N_l (x+iy)^l` with :math:`N_l = \frac{(-1)^l}{2^l l!} \sqrt{\frac{(2l+1)!}{4\pi}}`.
"Component" normalisation is :math:`\sqrt{4\pi}\, Y_{lm}`, so that :math:`\sum_m |Y_{lm}|^2 = 2l+1`; in it all
product coefficients are roots of rationals.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb, factorial

from ._checks import as_int, require_int
from .errors import InputError
from .roots import ZERO, SignedRoot


def _degrees(*degrees: object) -> list[int]:
    """Return the degrees a, b, c as ints, each at least 0."""
    return [require_int(name, degree, 0) for name, degree in zip("abc", degrees, strict=False)]


def triangle(a: int, b: int, c: int) -> bool:
    """Whether degrees `a` and `b` couple to `c`: |a-b| <= c <= a+b.

    Raises
    ------
    InputError
        If a degree is negative or not an integer.
    """
    a, b, c = _degrees(a, b, c)
    return abs(a - b) <= c <= a + b


def product_allowed(a: int, b: int, c: int) -> bool:
    """Whether the product of H_a and H_b of one direction has a part in H_c: triangle rule and a+b+c even.

    Raises
    ------
    InputError
        If a degree is negative or not an integer.
    """
    a, b, c = _degrees(a, b, c)
    return triangle(a, b, c) and (a + b + c) % 2 == 0


def product_degrees(a: int, b: int) -> tuple[int, ...]:
    """The degrees in the product of H_a and H_b of one direction: |a-b|, |a-b|+2, ..., a+b.

    Raises
    ------
    InputError
        If a degree is negative or not an integer.
    """
    a, b = _degrees(a, b)
    return tuple(range(abs(a - b), a + b + 1, 2))


@lru_cache(maxsize=32768, typed=True)
def clebsch_gordan(a: int, alpha: int, b: int, beta: int, c: int, gamma: int) -> SignedRoot:
    r"""The exact Clebsch-Gordan coefficient :math:`\langle a\alpha\, b\beta | c\gamma\rangle`.

    .. math::

        \langle a\alpha\, b\beta|c\gamma\rangle^2 = \frac{(2a)!\,(2b)!\,(2c+1)!}
        {(a+b+c+1)!\,(a+b-c)!(a-b+c)!(-a+b+c)!}
        \frac{N^2}{\binom{2a}{a+\alpha}\binom{2b}{b+\beta}\binom{2c}{c+\gamma}}, \quad N = \sum_k (-1)^k
        \binom{a+b-c}{k}\binom{a-b+c}{a-\alpha-k}\binom{-a+b+c}{b+\beta-k},

    and the coefficient has the sign of N (van der Waerden's form of Racah's sum).

    Parameters
    ----------
    a, alpha, b, beta, c, gamma
        Integer degrees (at least 0) and orders.

    Returns
    -------
    SignedRoot
        Zero where a selection rule fails.

    Raises
    ------
    InputError
        If a degree is negative or an argument is not an integer.

    Examples
    --------
    >>> str(clebsch_gordan(1, 0, 1, 0, 2, 0))
    'sqrt(2/3)'
    """
    if (
        not type(a) is type(alpha) is type(b) is type(beta) is type(c) is type(gamma) is int
        or min(a, b, c) < 0
    ):
        return clebsch_gordan(*_labels(a, alpha, b, beta, c, gamma))
    if alpha + beta != gamma or abs(alpha) > a or abs(beta) > b or abs(gamma) > c or not triangle(a, b, c):
        return ZERO
    first, second, third = a + b - c, a - b + c, b + c - a
    start = max(0, a - alpha - second, b + beta - third)
    stop = min(first, a - alpha, b + beta)
    total = 0
    for k in range(start, stop + 1):
        term = comb(first, k) * comb(second, a - alpha - k) * comb(third, b + beta - k)
        total += -term if k % 2 else term
    if not total:
        return ZERO
    top, bottom = _triangle_factor(a, b, c)
    bottom *= comb(2 * a, a + alpha) * comb(2 * b, b + beta) * comb(2 * c, c + gamma)
    return SignedRoot(1 if total > 0 else -1, Fraction(top * total * total, bottom))


@lru_cache(maxsize=4096)
def _triangle_factor(a: int, b: int, c: int) -> tuple[int, int]:
    """Numerator and denominator of (2a)! (2b)! (2c+1)! / ((a+b+c+1)! (a+b-c)! (a-b+c)! (-a+b+c)!)."""
    top = factorial(2 * a) * factorial(2 * b) * factorial(2 * c + 1)
    bottom = factorial(a + b + c + 1) * factorial(a + b - c) * factorial(a - b + c) * factorial(b + c - a)
    return Fraction(top, bottom).as_integer_ratio()


def _labels(*labels: object) -> list[int]:
    """Return degrees and orders as ints; InputError for a negative degree and for what is no integer."""
    numbers = []
    for name, label in zip(("a", "alpha", "b", "beta", "c", "gamma"), labels, strict=True):
        number = require_int(name, label, 0) if name in "abc" else as_int(label)
        if number is None:
            raise InputError(f"{name} = {label!r} is not an integer: give an integer order")
        numbers.append(number)
    return numbers


def zero_coupling(a: int, b: int, c: int) -> SignedRoot:
    r"""The coefficient :math:`\langle a0\,b0|c0\rangle`, nonzero exactly when `product_allowed`.

    With :math:`2g = a+b+c` even,

    .. math::

        \langle a0\,b0|c0\rangle = (-1)^{g-c} \sqrt{2c+1}\, \frac{g!}{(g-a)!(g-b)!(g-c)!}
        \sqrt{\frac{(2g-2a)!(2g-2b)!(2g-2c)!}{(2g+1)!}}.

    Raises
    ------
    InputError
        If a degree is negative or not an integer.
    """
    a, b, c = _degrees(a, b, c)
    if not product_allowed(a, b, c):
        return ZERO
    g = (a + b + c) // 2
    # g!/((g-a)!(g-b)!(g-c)!) is a multinomial coefficient, as the three parts add up to g.
    multinomial = comb(g, a) * comb(a, g - b)
    doubled = comb(2 * g, 2 * a) * comb(2 * a, 2 * (g - b))
    square = Fraction((2 * c + 1) * multinomial * multinomial, (2 * g + 1) * doubled)
    return SignedRoot.root(square, -1 if (g - c) % 2 else 1)


def stretched_coefficient(a: int, b: int) -> SignedRoot:
    r"""The positive :math:`\langle a0\,b0|(a{+}b)\,0\rangle = \binom{a+b}{a} / \sqrt{\binom{2a+2b}{2a}}`.

    Raises
    ------
    InputError
        If a degree is negative or not an integer.

    Examples
    --------
    >>> str(stretched_coefficient(2, 2))
    'sqrt(18/35)'
    """
    a, b = _degrees(a, b)
    return SignedRoot.root(Fraction(comb(a + b, a) ** 2, comb(2 * (a + b), 2 * a)))


def product_coefficient(a: int, b: int, c: int) -> SignedRoot:
    r"""The constant g that the coupling of Y_a and Y_b of one direction to degree c gives.

    On the sphere, with :math:`C = \langle a\alpha\,b\beta|c\gamma\rangle`, the sum over the orders is
    :math:`\sum_{\alpha\beta} C\, Y_{a\alpha} Y_{b\beta} = g\, Y_{c\gamma}`.
    In component normalisation :math:`g = \sqrt{(2a+1)(2b+1)/(2c+1)}\, \langle a0\,b0|c0\rangle`; with
    harmonics of unit integral it is this over :math:`\sqrt{4\pi}`.

    Raises
    ------
    InputError
        If a degree is negative or not an integer.
    """
    a, b, c = _degrees(a, b, c)
    return SignedRoot.root(Fraction((2 * a + 1) * (2 * b + 1), 2 * c + 1)) * zero_coupling(a, b, c)


def highest_weight_norm(l: int) -> SignedRoot:
    r"""The constant of :math:`Y_{ll}`, component normalisation: :math:`(-1)^l \sqrt{(2l+1)!} / (2^l l!)`.

    Raises
    ------
    InputError
        If `l` is negative or not an integer.
    """
    l = require_int("l", l, 0)
    return SignedRoot.root(Fraction(factorial(2 * l + 1), (2**l * factorial(l)) ** 2), -1 if l % 2 else 1)


def gaunt(a: int, alpha: int, b: int, beta: int, c: int, gamma: int) -> SignedRoot:
    r"""The mean over the sphere of three complex harmonics in component normalisation.

    .. math:: \frac{1}{4\pi}\int \tilde Y_{a\alpha}\tilde Y_{b\beta}\tilde Y_{c\gamma}\, d\Omega
        = \sqrt{4\pi} \int Y_{a\alpha} Y_{b\beta} Y_{c\gamma}\, d\Omega
        = (-1)^\gamma g(a, b, c) \langle a\alpha\,b\beta|c\,{-\gamma}\rangle

    with g from `product_coefficient`; :math:`\tilde Y = \sqrt{4\pi}\,Y`. Divide by :math:`\sqrt{4\pi}` for
    SymPy's ``gaunt``.

    Raises
    ------
    InputError
        If a degree is negative or an argument is not an integer.
    """
    a, alpha, b, beta, c, gamma = _labels(a, alpha, b, beta, c, gamma)
    value = clebsch_gordan(a, alpha, b, beta, c, -gamma) * product_coefficient(a, b, c)
    return -value if gamma % 2 else value
