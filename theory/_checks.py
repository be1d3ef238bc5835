"""Checks of arguments, made before any work: a wrong value is told in one sentence."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from operator import index
from typing import Any

from .errors import InputError

#: Largest boundary degree * l_max for which exact tables are built (about a second and a few MB each).
MAX_BOUNDARY = 1024


def require_int(name: str, value: object, minimum: int, advice: str = "") -> int:
    """Return `value` as an int if it is an integer of at least `minimum`; booleans and floats are refused.

    What has ``__index__`` is an integer, so those of NumPy count; the caller must go on with the int returned, because
    fixed-width integers overflow.

    Raises
    ------
    InputError
        Naming the argument, the value and what was expected.
    """
    hint = f"; {advice}" if advice else ""
    number = as_int(value)
    if number is None:
        raise InputError(f"{name} = {value!r} is not an integer: give an integer of at least {minimum}{hint}")
    if number < minimum:
        raise InputError(f"{name} = {number} is too small: give an integer of at least {minimum}{hint}")
    return number


def as_int(value: Any) -> int | None:
    """Return an integer of any library as an int, and None for everything else, booleans included."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    try:
        return index(value)
    except TypeError:
        return None


def require_order(name: str, value: object, l: int) -> int:
    """Return an order m of degree `l`, an integer from -l to l."""
    number = as_int(value)
    if number is None or abs(number) > l:
        raise InputError(f"{name} = {value!r} is not an order m of l = {l}: give an integer from {-l} to {l}")
    return number


def require_parity(value: object, l: int) -> int:
    """Return a parity, 1 or -1; None stands for the natural one of degree `l`, (-1)^l."""
    if value is None:
        return -1 if l % 2 else 1
    number = as_int(value)
    if number not in (1, -1):
        raise InputError(f"parity = {value!r} is none: give 1 (even), -1 (odd) or None for the natural one")
    return int(number or 0)


def as_rational(value: Any) -> Fraction | None:
    """Return an integer or fraction as a Fraction, and None for everything else, floats included."""
    number = as_int(value)
    if number is not None:
        return Fraction(number)
    if isinstance(value, Rational) and not isinstance(value, bool):
        return Fraction(int(value.numerator), int(value.denominator))
    return None


def require_degree(value: object) -> int:
    """Return a polynomial degree, an integer of at least 1."""
    return require_int("degree", value, 1, "a readout of degree 0 is a constant")


def require_l_max(value: object) -> int:
    """Return a highest feature degree, an integer of at least 0."""
    return require_int("l_max", value, 0)


def require_affordable(degree: object, l_max: object) -> tuple[int, int]:
    """Return (degree, l_max) as ints; refuse an exact table whose boundary degree * l_max is beyond `MAX_BOUNDARY`."""
    degree, l_max = require_degree(degree), require_l_max(l_max)
    if degree * l_max > MAX_BOUNDARY:
        raise InputError(
            f"degree * l_max = {degree} * {l_max} = {degree * l_max} is beyond what exact tables are built "
            f"for: keep degree * l_max at or below {MAX_BOUNDARY}"
        )
    return degree, l_max


def counted(number: int, noun: str) -> str:
    """Return "1 factor", "2 factors": a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
