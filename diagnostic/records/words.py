"""Words of sentences that several rooms build."""

from __future__ import annotations

import math
from collections.abc import Iterable

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: An error below this, in units of its own power of ten, has two digits, and one above: 0.12, but 0.4.
_ONE_DIGIT = 3.55
#: Places before and after the point that are written without a power of ten, and digits of a number with its error.
_MOST_BEFORE, _MOST_AFTER, _MOST_DIGITS = 6, 5, 9


def enumerated(words: Iterable[object], last: str = "and") -> str:
    """Return words as an enumeration, ``last`` before the last of them.

    Examples
    --------
    >>> enumerated([2]), enumerated(["C0", "H1", "O2"], "or")
    ('2', 'C0, H1 or O2')
    """
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def with_error(value: float, error: float | None, unit: str = "") -> str:
    """Return a number with its error as people write them: rounded to the digits that the error allows.

    Errors have two digits up to 3.5 in units of their own power of ten, and one above, by the rule of the Particle Data Group.

    Parameters
    ----------
    value
        The number.
    error
        Its error or the half width of its interval; None, zero or not finite: the number has none, and none is written.
    unit
        Follows after a space; empty: none.

    Examples
    --------
    >>> with_error(-37.1, 51.3, "meV"), with_error(0.0235, 0.00011), with_error(2371, 870.0)
    ('-40 ± 50 meV', '0.02350 ± 0.00011', '2,400 ± 900')
    >>> with_error(3.14159e-13, 2e-14), with_error(16.13, 0.0, "meV/atom")
    ('(3.14 ± 0.20) × 10⁻¹³', '16.1 meV/atom')
    """
    after = f" {unit}" if unit else ""
    if error is None or not math.isfinite(error) or error <= 0 or not math.isfinite(value):
        return _alone(value) + after
    place = _last_place(error)
    top = math.floor(math.log10(max(abs(value), error)))
    if top - place > _MOST_DIGITS:  # an error of rounding
        return f"{_alone(value)} ± {_alone(error)}{after}"
    if (place >= 0 and top < _MOST_BEFORE) or (place < 0 and top > -_MOST_AFTER):
        return f"{_rounded(value, place)} ± {_rounded(error, place)}{after}"
    scale, shift = 10.0**top, place - top
    pair = f"({_rounded(value / scale, shift)} ± {_rounded(error / scale, shift)})"
    return f"{pair}{_power(top)}{after}"


def _last_place(error: float) -> int:
    """Return the power of ten that an error is rounded to."""
    power = math.floor(math.log10(error))
    return power - (error / 10.0**power < _ONE_DIGIT)


def _alone(value: float) -> str:
    """Return a number with three digits, or all that stand before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    top = math.floor(math.log10(abs(value)))
    if -_MOST_AFTER < top < _MOST_BEFORE:
        return f"{value:,.{max(0, 2 - top)}f}"
    return f"{value / 10.0**top:.2f}{_power(top)}"


def _power(exponent: int) -> str:
    return f" × 10{str(exponent).translate(_SUPERSCRIPT)}"


def _rounded(value: float, place: int) -> str:
    """Return a number rounded to a power of ten, with commas between the thousands."""
    rounded = round(value / 10.0**place) * 10.0**place if place > 0 else value
    return _signless(f"{rounded:,.{max(0, -place)}f}")


def _signless(text: str) -> str:
    """Return a number as text; a rounded zero has no sign."""
    return text.lstrip("-") if not text.strip("-0.,") else text
