r"""The third side: where two neighbours see each other, and how much of a pair term an energy has then.

Neighbours j and k see each other where :math:`r_{jk}^2 = r_j^2 + r_k^2 - 2 r_j r_k \cos\theta` is below the squared cutoff. There
the energy holds an arbitrary function of their distance, which is one of the angle, and no bound of a star is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ._checks import as_rational, require_int
from .angular_terms import PairTerm, legendre
from .errors import InputError


@dataclass(frozen=True)
class ThirdSide:
    """Where two neighbours see each other; made by `third_side`.

    Attributes
    ----------
    cosine
        They see each other exactly where the cosine of the angle at the centre is above this number.
    """

    cosine: Fraction

    @property
    def never(self) -> bool:
        """Whether they see each other at no angle: there the bounds of a star hold."""
        return self.cosine >= 1

    @property
    def always(self) -> bool:
        """Whether they see each other at every angle (but 180 degrees, at most): there is no bound."""
        return self.cosine <= -1

    @property
    def seen_share(self) -> Fraction:
        """The share of independent uniform directions at which they see each other."""
        return (1 - min(max(self.cosine, Fraction(-1)), Fraction(1))) / 2


def third_side(first: int | Fraction, second: int | Fraction, cutoff: int | Fraction) -> ThirdSide:
    r"""Tell at which angles two neighbours at given distances from the centre are closer to each other than the cutoff.

    :math:`r_{jk} < c` exactly where :math:`\cos\theta > (r_j^2 + r_k^2 - c^2) / (2 r_j r_k)`: never if
    :math:`c \le |r_j - r_k|`, always if :math:`c > r_j + r_k`.

    Parameters
    ----------
    first, second, cutoff
        Distances and cutoff in one unit, integers or fractions above 0; both distances at most the cutoff, or there is no star.

    Raises
    ------
    InputError
        If a number is no integer or fraction above 0, or a distance is above the cutoff.

    Examples
    --------
    >>> third_side(1, 1, 1).cosine, third_side(1, 1, 3).always
    (Fraction(1, 2), True)
    """
    numbers = []
    for name, value in (("first", first), ("second", second), ("cutoff", cutoff)):
        number = as_rational(value)
        if number is None or number <= 0:
            raise InputError(f"{name} = {value!r} is no length: give an integer or a Fraction above 0")
        numbers.append(number)
    j, k, c = numbers
    if max(j, k) > c:
        raise InputError(
            f"a neighbour at {max(j, k)} is beyond the cutoff {c}: the centre does not see it; give a larger cutoff"
        )
    return ThirdSide((j * j + k * k - c * c) / (2 * j * k))


def crossover_share(term: PairTerm, bound: int, cosine: int | Fraction) -> Fraction:
    r"""Best R2 on a pair term where the third side is seen at cosines above a number, exactly.

    Two neighbours in independent uniform directions. Above `cosine` the energy holds any function of the angle, below it any
    polynomial in the cosine up to the bound of the star (:math:`L \lfloor\nu/2\rfloor` for one layer), so what is missing is the
    best approximation of P_l by a polynomial on [-1, t]:

    .. math:: 1 - (2l+1) \min_{\deg p \le b} \frac{1}{2} \int_{-1}^{t} (P_l - p)^2 \, dc .

    It is the largest value that comes arbitrarily near: radial functions go to zero smoothly at the cutoff. With more neighbours
    at these distances, told apart, the energy reaches at least this share (sums over pairs; cosines of pairs are independent).

    Parameters
    ----------
    term
        The pair term.
    bound
        Bound of the star without the third side, at least 0.
    cosine
        From `third_side`; 1 and above: the third side is never seen, -1 and below: always.

    Raises
    ------
    InputError
        If an argument is wrong.

    Examples
    --------
    >>> [crossover_share(PairTerm(3), 2, cosine) for cosine in (1, 0, -1)]
    [Fraction(0, 1), Fraction(127, 128), Fraction(1, 1)]
    """
    if not isinstance(term, PairTerm):
        raise InputError(f"term = {term!r} is no pair term: give PairTerm(l)")
    bound = require_int("bound", bound, 0)
    number = as_rational(cosine)
    if number is None:
        raise InputError(f"cosine = {cosine!r} is no exact number: give an integer or a Fraction")
    upper = min(max(number, Fraction(-1)), Fraction(1))
    half = (upper + 1) / 2
    # P_l(c) as a polynomial in x on [-1, 1], c = half (x + 1) - 1, then by Legendre polynomials of x.
    powers = [Fraction(0)] * (term.l + 1)
    shifted = [Fraction(1)] + [Fraction(0)] * term.l
    for coefficient in legendre(term.l):
        powers = [total + coefficient * value for total, value in zip(powers, shifted, strict=True)]
        before = [Fraction(0), *shifted[:-1]]
        shifted = [half * low + (half - 1) * value for low, value in zip(before, shifted, strict=True)]
    missing = Fraction(0)
    for n in range(term.l, -1, -1):
        leading = powers[n] / legendre(n)[n]
        for m, value in enumerate(legendre(n)):
            powers[m] -= leading * value
        if n > bound:
            missing += leading * leading / (2 * n + 1)
    return 1 - (2 * term.l + 1) * half * missing
