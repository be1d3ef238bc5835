"""Numbers of the form sign * sqrt(rational), the field in which coupling coefficients live."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from ._checks import as_int, as_rational
from .errors import InputError


@dataclass(frozen=True, slots=True)
class SignedRoot:
    r"""The exact real number :math:`s \sqrt{q}`, :math:`s \in \{-1, 0, 1\}`, with a rational :math:`q \ge 0`.

    Every Clebsch-Gordan coefficient of integer degrees, and every Gaunt coefficient times a power of
    :math:`\sqrt{4\pi}`, has this form; products and quotients stay in it, and equality is equality of
    fractions.

    Parameters
    ----------
    sign
        -1, 0 or 1; 0 exactly when `square` is 0.
    square
        The square of the number.

    Raises
    ------
    InputError
        If `sign` and `square` contradict each other or `square` is negative.
    """

    sign: int
    square: Fraction

    def __post_init__(self) -> None:
        if type(self.sign) is not int or type(self.square) is not Fraction:
            sign = as_int(self.sign)
            if sign is None:
                raise InputError(f"sign = {self.sign!r} is not an integer: give -1, 0 or 1")
            object.__setattr__(self, "sign", sign)
            object.__setattr__(self, "square", _exact("square", self.square))
        if self.sign not in (-1, 0, 1) or self.square < 0 or (self.sign == 0) != (self.square == 0):
            raise InputError(
                f"sign {self.sign} with square {self.square} is no signed root: give sign -1, 0 or 1, "
                "0 exactly for square 0"
            )

    @classmethod
    def of(cls, value: int | Fraction) -> SignedRoot:
        """Return the rational number `value` itself."""
        exact = _exact("value", value)
        return cls((exact > 0) - (exact < 0), exact * exact)

    @classmethod
    def root(cls, square: int | Fraction, sign: int = 1) -> SignedRoot:
        """Return sign * sqrt(square)."""
        exact = _exact("square", square)
        return cls(sign if exact else 0, exact)

    def __mul__(self, other: SignedRoot) -> SignedRoot:
        return SignedRoot(self.sign * other.sign, self.square * other.square)

    def __truediv__(self, other: SignedRoot) -> SignedRoot:
        return SignedRoot(self.sign * other.sign, self.square / other.square)

    def __neg__(self) -> SignedRoot:
        return SignedRoot(-self.sign, self.square)

    def __pow__(self, exponent: int) -> SignedRoot:
        return SignedRoot(self.sign**exponent if exponent else 1, self.square**exponent)

    def __bool__(self) -> bool:
        return self.sign != 0

    def __str__(self) -> str:
        if not self.sign:
            return "0"
        minus = "-" if self.sign < 0 else ""
        top, bottom = self.square.numerator, self.square.denominator
        if isqrt(top) ** 2 == top and isqrt(bottom) ** 2 == bottom:
            return f"{minus}{Fraction(isqrt(top), isqrt(bottom))}"
        return f"{minus}sqrt({self.square})"

    def to_sympy(self) -> Any:
        """Return the number as a SymPy expression."""
        import sympy

        return self.sign * sympy.sqrt(sympy.Rational(self.square.numerator, self.square.denominator))

    def to_json(self) -> dict[str, int | str]:
        """Return ``{"sign": s, "square": "p/q"}``."""
        return {"sign": self.sign, "square": str(self.square)}


def _exact(name: str, value: object) -> Fraction:
    fraction = as_rational(value)
    if fraction is None:
        raise InputError(f"{name} = {value!r} is not exact: give an integer or a Fraction")
    return fraction


ONE = SignedRoot(1, Fraction(1))
ZERO = SignedRoot(0, Fraction(0))
