"""Names what is wrong with an array that should equal another: a coefficient, signs, a missing part, swapped components."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Entries that differ by less than this of the largest one are right to single precision.
_CLOSE = 1e-4


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    kind
        "coefficient", "sign", "missing", "axis swap", "norm" or "other".
    labels
        The degrees of the table: (l1, l2, l3), or (l,).
    entry
        Indices of the worst entry.
    value, expected
        What stands there, and what should.
    sentence
        The same in words.
    """

    kind: str
    labels: tuple[int, ...]
    entry: tuple[int, ...]
    value: complex
    expected: complex
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as the JSON holds them, complex numbers by their real part where that is all."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "entry": list(self.entry),
            "value": _plain(self.value),
            "expected": _plain(self.expected),
            "sentence": self.sentence,
        }


def _plain(value: complex) -> float | list[float]:
    return value.real if abs(value.imag) < 1e-12 else [value.real, value.imag]


def _shown(value: complex) -> str:
    return f"{value.real:.6g}" if abs(value.imag) < 1e-12 else f"{value:.6g}"


def describe_difference(
    labels: tuple[int, ...], values: NDArray[Any], expected: NDArray[np.complex128]
) -> Finding:
    """Return what is wrong with `values`, which should be `expected`."""
    size = float(np.abs(expected).max()) or 1.0
    difference = np.abs(values - expected)
    entry = tuple(int(index) for index in np.unravel_index(int(difference.argmax()), difference.shape))
    value, wanted = complex(values[entry]), complex(expected[entry])
    name = "(" + ", ".join(map(str, labels)) + ")"
    wrong = difference > _CLOSE * size
    if not np.abs(values).any():
        kind, text = "missing", f"{name} is zero throughout, and such a coupling exists"
    elif swap := _swapped(values, expected, size):
        axis, first, second = swap
        kind = "axis swap"
        text = (
            f"{name}: components {first} and {second} of the {('first', 'second', 'third')[axis]} index are "
            "swapped, in this table alone"
        )
    elif np.abs(values[wrong] + expected[wrong]).max(initial=0.0) < _CLOSE * size:
        kind = "sign"
        text = f"{name}: entry {list(entry)} is {_shown(value)} and has the wrong sign" + _others(wrong)
    elif _proportional(values, expected, size):
        kind = "norm"
        ratio = np.linalg.norm(values) / np.linalg.norm(expected)
        text = f"{name} is {ratio:.6g} times as large as the other couplings have it"
    elif np.abs(values[wrong]).max(initial=0.0) < _CLOSE * size:
        kind = "missing"
        text = f"{name}: entry {list(entry)} is zero and should be {_shown(wanted)}" + _others(wrong)
    elif wrong.mean() <= 0.5 or wrong.sum() <= 2:
        kind = "coefficient"
        text = f"{name}: entry {list(entry)} is {_shown(value)} and should be {_shown(wanted)}" + _others(
            wrong
        )
    else:
        kind = "other"
        text = (
            f"{name} is no coupling of these irreps in the basis of the others: worst entry {list(entry)}, "
            f"{_shown(value)} instead of {_shown(wanted)}"
        )
    return Finding(kind, labels, entry, value, wanted, text)


def _others(wrong: NDArray[np.bool_]) -> str:
    number = int(wrong.sum()) - 1
    return "" if number < 1 else f" (and {number} more)"


def _proportional(values: NDArray[Any], expected: NDArray[Any], size: float) -> bool:
    factor = np.vdot(expected, values) / np.vdot(expected, expected)
    left = float(np.abs(values - factor * expected).max())
    return bool(left < _CLOSE * size * abs(factor))


def _swapped(values: NDArray[Any], expected: NDArray[Any], size: float) -> tuple[int, int, int] | None:
    """Return (axis, i, j) where swapping two components of one index makes the values right, up to sign."""
    for axis, length in enumerate(values.shape):
        for first, second in combinations(range(length), 2):
            order = list(range(length))
            order[first], order[second] = second, first
            swapped = np.take(values, order, axis=axis)
            for sign in (1, -1):
                if np.abs(swapped - sign * expected).max() < _CLOSE * size:
                    return axis, first, second
    return None
