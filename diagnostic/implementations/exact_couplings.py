"""Exact couplings as arrays: every entry is a root of a rational from `theory`, rounded once."""

from __future__ import annotations

from functools import cache
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from ...theory import SignedRoot, clebsch_gordan, real_wigner_3j

#: The three kinds of coupling in use, each with unit sum of squares.
FAMILIES = ("real", "complex Clebsch-Gordan", "complex 3j")


def as_float(value: SignedRoot) -> float:
    """Return the number in float64: the square is rounded once and its root once, so within one unit in the last place."""
    return value.sign * sqrt(value.square.numerator / value.square.denominator)


@cache
def exact_coupling(family: str, l1: int, l2: int, l3: int) -> NDArray[np.float64]:
    r"""Return the one coupling of three degrees, :math:`\sum C^2 = 1`, orders m = -l..l.

    "real" is e3nn's 3j of real harmonics; "complex Clebsch-Gordan" is :math:`\langle l_1 m_1 l_2 m_2|l_3 m_3\rangle
    / \sqrt{2l_3+1}`; "complex 3j" is the Wigner 3j symbol, :math:`(-1)^{l_1-l_2-m_3}` times that with :math:`-m_3`.
    """
    values = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1))
    for a in range(-l1, l1 + 1):
        for b in range(-l2, l2 + 1):
            if family == "real":
                size, other = abs(abs(a) - abs(b)), abs(a) + abs(b)
                for c in {size, -size, other, -other}:  # orders add up to zero with some signs
                    if abs(c) <= l3:
                        values[l1 + a, l2 + b, l3 + c] = as_float(real_wigner_3j(l1, a, l2, b, l3, c))
            elif abs(a + b) <= l3:
                value = as_float(clebsch_gordan(l1, a, l2, b, l3, a + b)) / sqrt(2 * l3 + 1)
                if family == "complex 3j":
                    values[l1 + a, l2 + b, l3 - a - b] = value * (-1) ** (l1 - l2 + a + b)
                else:
                    values[l1 + a, l2 + b, l3 + a + b] = value
    values.setflags(write=False)
    return values


def _zero_3j(l1: int, l2: int, l3: int) -> float:
    """Return |(l1 l2 l3; 0 0 0)|, zero for l1 + l2 + l3 odd."""
    return abs(float(exact_coupling("complex 3j", l1, l2, l3)[l1, l2, l3]))


def norm_laws(l1: int, l2: int, l3: int) -> dict[str, float]:
    """Return the norm of a coupling under every normalisation in use, by its name."""
    sizes = (2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1)
    return {
        "3j: sum of squares 1": 1.0,
        "Clebsch-Gordan: sum of squares 2 l3 + 1": sqrt(2 * l3 + 1),
        "sum of squares 2 l1 + 1": sqrt(2 * l1 + 1),
        "sum of squares 2 l2 + 1": sqrt(2 * l2 + 1),
        "sum of squares (2 l1 + 1)(2 l2 + 1)": sqrt((2 * l1 + 1) * (2 * l2 + 1)),
        "sum of squares (2 l1 + 1)(2 l2 + 1)(2 l3 + 1)": sqrt(sizes),
        "Gaunt of harmonics with integral 1": sqrt(sizes / (4 * pi)) * _zero_3j(l1, l2, l3),
        "Gaunt of component-normalised harmonics": sqrt(sizes) * _zero_3j(l1, l2, l3),
        "Gaunt of Racah's harmonics": _zero_3j(l1, l2, l3),
    }
