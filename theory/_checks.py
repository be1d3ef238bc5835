"""Checks of arguments, made before any work: a wrong value is told in one sentence."""

from __future__ import annotations

from .errors import InputError

#: Largest boundary degree * l_max for which exact tables are built (about a second and a few MB each).
MAX_BOUNDARY = 1024


def require_int(name: str, value: object, minimum: int, advice: str = "") -> int:
    """Return `value` if it is an integer of at least `minimum`; booleans and floats are refused.

    Raises
    ------
    InputError
        Naming the argument, the value and what was expected.
    """
    hint = f"; {advice}" if advice else ""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{name} = {value!r} is not an integer: give an integer of at least {minimum}{hint}")
    if value < minimum:
        raise InputError(f"{name} = {value} is too small: give an integer of at least {minimum}{hint}")
    return value


def require_degree(value: object) -> int:
    """Return a polynomial degree, an integer of at least 1."""
    return require_int("degree", value, 1, "a readout of degree 0 is a constant")


def require_l_max(value: object) -> int:
    """Return a highest feature degree, an integer of at least 0."""
    return require_int("l_max", value, 0)


def require_affordable(degree: int, l_max: int) -> None:
    """Refuse an exact table whose boundary degree * l_max is beyond `MAX_BOUNDARY`."""
    if degree * l_max > MAX_BOUNDARY:
        raise InputError(
            f"degree * l_max = {degree} * {l_max} = {degree * l_max} is beyond what exact tables are built "
            f"for: keep degree * l_max at or below {MAX_BOUNDARY}"
        )


def counted(number: int, noun: str) -> str:
    """Return "1 factor", "2 factors": a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
