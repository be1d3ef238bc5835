"""Whether two printed outputs are the same, but for the last digit of their numbers."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def last_digit(number: str) -> float:
    """Return one unit in the last digit that is printed."""
    mantissa, _, exponent = number.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def agree(shown: str, printed: str) -> bool:
    """Whether two outputs are the same: words exactly, numbers to one unit in the last digit that is shown.

    Linear algebra is not the same to the last bit on every machine. What is rounding error itself, below 1e-20 or a gap
    above 1e10, only has to be rounding error again.
    """
    if [part.strip() for part in _NUMBER.split(shown)] != [part.strip() for part in _NUMBER.split(printed)]:
        return False
    for one, other in zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True):
        a, b = float(one), float(other)
        both_rounding = (0 < abs(a) < 1e-20 and abs(b) < 1e-20) or (a > 1e10 and b > 1e10)
        # 1.5, not 1: differences of decimal numbers are themselves rounded
        if not both_rounding and abs(a - b) > ("." in one) * 1.5 * last_digit(one):
            return False
    return True
