"""How far two devices may differ that sum the same numbers in another order, and whether two diagnoses agree."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Unit roundoff of float64.
ROUNDOFF = 2.0**-53
#: Factor on the standard deviation of accumulated roundings; for 10^6 entries of a Gram matrix, 6 leaves a chance of 2e-3.
_SURE = 6.0
#: The same for the spectral norm of a symmetric matrix of independent roundings, which is 2 sqrt(p) standard deviations.
_NORM = 3.0
#: Mean square of a raw monomial over its variance: 3 for the square of a normal variable, less for other low degrees.
_CENTRING = 4.0
#: Norm of held-out predictions over that of training predictions.
_HELD_OUT = 2.0

#: Entries that describe the run and not what was measured.
IGNORED = {
    "timings_s", "command", "versions", "training", "builder", "device", "devices", "compute", "workers", "seconds", "memory",
}  # fmt: skip
#: Measures of rounding itself: of size 1e-15, and below this on every device.
_ROUNDING = {"equivariance_error": 1e-12, "inversion_error": 1e-12, "power_elsewhere": 1e-12}
#: Quotients with a denominator that may vanish: their reciprocals are compared.
_QUOTIENTS = "cliff_ratios"
_NUMBER = re.compile(r"[-+−]?\d[\d.,]*(?:e[-+]?\d+)?")


def sum_tolerance(terms: int) -> float:
    r"""Return how far two sums of the same ``terms`` products in different orders may differ, relative to sum |x y|.

    Each of the additions rounds by at most u = 2^-53 of a partial sum, which is at most sum |x y|. Taken as independent with mean
    zero, the roundings of one order have a standard deviation of at most sqrt(n) u sum |x y| (Higham and Mary, SIAM J. Sci.
    Comput. 41, A2815 (2019)); two orders differ by sqrt(2) of it. Blocked and pairwise sums stay below.
    """
    return _SURE * math.sqrt(2.0 * terms) * ROUNDOFF


def fit_tolerance(columns: int, rows: int, strength: float = 1e-7, roundoff: float = ROUNDOFF) -> float:
    r"""Return how far R2 of a ridge fit may move when its Gram matrix is summed in another order.

    Let G = X^T X for p standardised columns of N rows, so that every diagonal entry is N, and c = (G + s N)^-1 X^T y.
    Another order adds E to G. To first order the prediction moves by X (G + s N)^-1 E c, and since
    g^(1/2) / (g + s N) <= 1 / (2 sqrt(s N)) for every g >= 0,

    .. math:: \|X\,dc\| \le \frac{\|E\|}{2\sqrt{sN}}\|c\|, \qquad \|c\| \le \frac{\|y\|}{2\sqrt{sN}}, \qquad
              \frac{\|X\,dc\|}{\|y\|} \le \delta = \frac{\|E\|}{4 s N} .

    Every entry of E has a standard deviation of at most sqrt(2 N) u N (see :func:`sum_tolerance`; the products of a column with
    itself sum up to N), times the mean square of a raw monomial over its variance, because the columns are centred after they
    are summed. The norm of p x p independent entries is below 3 sqrt(p) of that: delta = 3 k sqrt(2 p N) u / (4 s). The
    right-hand side moves too, by sqrt(p N) u at most and without the factor 1/s: it is beside that nothing.
    R2 = 1 - |y - X c|^2 / |y|^2 moves by at most 2 delta + delta^2; on held-out rows delta grows as their predictions do.

    Parameters
    ----------
    columns, rows
        p and N.
    strength
        s, relative to the mean diagonal; the smallest that is tried bounds all.
    roundoff
        u of the format that the sums are accumulated in.
    """
    delta = _NORM * _CENTRING * math.sqrt(2.0 * columns * rows) * roundoff / (4.0 * strength)
    moved = _HELD_OUT * delta
    return 2.0 * moved + moved**2


def forward_tolerance(terms: int, sensitivity: float) -> float:
    """Return how far features may differ between devices, relative to their RMS.

    Parameters
    ----------
    terms
        Additions behind one feature: edges of an atom times channels times layers.
    sensitivity
        Relative change of the features when every coordinate of the input changes by one rounding, measured on one device: what
        the network makes of a rounding at its entrance. A rounding inside passes through fewer layers and is amplified
        no more than that by the part behind it, in the measure of the RMS, so each addition may do this once.
    """
    return _SURE * math.sqrt(2.0 * terms) * max(sensitivity, ROUNDOFF)


@dataclass(frozen=True)
class Difference:
    """Something that two results say differently."""

    where: str
    one: Any
    other: Any
    allowed: float | None

    def __str__(self) -> str:
        bound = "" if self.allowed is None else f", {self.allowed:.1e} allowed"
        return f"{self.where}: {self.one!r} and {self.other!r}{bound}"


def differences(one: Any, other: Any, tolerance: float, where: str = "") -> Iterator[Difference]:
    """Yield where two contents of ``result.json`` differ by more than ``tolerance``, absolute below 1 and relative above.

    Verdicts and everything else in words or whole numbers have to be equal; numbers inside of sentences, which are rounded,
    are not compared.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in one.keys() | other.keys():
            if key in IGNORED:
                continue
            inside = f"{where}.{key}" if where else str(key)
            if key not in one or key not in other:
                yield Difference(inside, key in one, key in other, None)
            else:
                yield from differences(one[key], other[key], _ROUNDING.get(key, tolerance), inside)
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield Difference(f"{where} (entries)", len(one), len(other), None)
        for k, (first, second) in enumerate(zip(one, other, strict=False)):
            yield from differences(first, second, tolerance, f"{where}[{k}]")
    elif _is_float(one) and _is_float(other) and (isinstance(one, float) or isinstance(other, float)):
        a, b = float(one), float(other)
        if where.startswith(_QUOTIENTS) and a and b:
            a, b = 1.0 / a, 1.0 / b
        if not abs(a - b) <= tolerance * max(1.0, abs(a), abs(b)):
            yield Difference(where, one, other, tolerance)
    elif isinstance(one, str) and isinstance(other, str):
        if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
            yield Difference(where, one, other, None)
    elif type(one) is not type(other) or one != other:
        yield Difference(where, one, other, None)


def _is_float(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def compare_runs(one: Path, other: Path, tolerance: float) -> list[Difference]:
    """Return where two run directories differ: all of ``result.json``, which holds ``recovery.csv``."""
    first, second = (
        json.loads((folder / "result.json").read_text(encoding="utf-8")) for folder in (one, other)
    )
    return list(differences(first, second, tolerance))


def largest_shift(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return the largest difference of R2 between the same rows of two diagnoses."""
    return max(
        (abs(a["r2"] - b["r2"]) for a, b in zip(one["recovery"], other["recovery"], strict=True)
         if a["r2"] is not None and b["r2"] is not None),
        default=0.0,
    )  # fmt: skip
