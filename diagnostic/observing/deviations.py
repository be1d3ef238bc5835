"""How far an observable is off: its numbers and curves against the isotropic answer, or against the most exact cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from ..records.outcomes import overall

Measured = Mapping[str, Any]
#: Confidence of every interval.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Deviation:
    r"""The deviation of a number or a curve, with an interval.

    Attributes
    ----------
    label, unit
        Of the number or curve; ``unit`` of the deviation.
    l
        The l of the number, where it has one.
    value
        Absolute value of the deviation; of a curve the root mean square, less what noise adds.
    error
        Its standard error (1 sigma); 0 where it has none, and ``low`` and ``high`` are then the value of these runs.
    low, high
        95 % interval of the absolute value, simultaneous over the numbers of the observable (Bonferroni).
    tolerance
        What does not matter; None where nobody said.
    against
        ``isotropic`` (exact), or the cure that it is compared with.
    reliable
        Whether the run was long enough for its error to be one.
    """

    label: str
    unit: str
    l: int | None
    value: float
    error: float
    low: float
    high: float
    tolerance: float | None
    against: str
    reliable: bool = True

    @property
    def half(self) -> float:
        """Half the width of the interval about the deviation."""
        return self.high - self.value

    @property
    def longer(self) -> float | None:
        """Times as long a run that would decide, None where no run would.

        The deviation is taken to stay as it is; where the interval holds zero, it may be zero too, and the shorter run counts.
        """
        if self.tolerance is None:
            return None
        room = max(abs(self.tolerance - self.value), self.tolerance if self.low == 0 else 0.0)
        return (self.half / room) ** 2 if room > 0 else None


def half_width(error: float, independent: float, count: int) -> float:
    r"""Return the half width of a 95 % interval that holds for ``count`` numbers at once (Bonferroni, Student's t).

    :math:`t_{\nu}(1 - (1 - 0.95) / (2 n)) \sigma`, with :math:`\nu` one less than the independent samples.
    """
    freedom = max(independent - 1.0, 1.0)
    return float(student.ppf(1.0 - (1.0 - CONFIDENCE) / (2 * max(count, 1)), freedom)) * error


def half_of(number: Mapping[str, Any]) -> float | None:
    """Return half the 95 % interval of a number of a result; of results without it 1.96 times the error, None without that."""
    if number.get("half_width") is not None:
        return float(number["half_width"])
    return 1.96 * number["error"] if number["error"] else None


def deviations(
    measured: Measured, reference: Measured | None, against: str, tolerance: float | None = None
) -> list[Deviation]:
    """Return the deviations of an observable.

    Parameters
    ----------
    measured
        Its numbers and curves under a cure.
    reference
        The same under the most exact cure; None for that cure itself.
    against
        Name of the most exact cure.
    tolerance
        Used where a number brings none.

    Returns
    -------
    Of the numbers that are judged (with an exact answer and a tolerance), or else of all with an exact answer, the distance from
    it; where there are none, that of the curves that the reference has too; or else of the numbers that it has too. What has no
    statistical error, such as a single run's record, is compared with an exact answer only.
    """
    numbers = [n for n in measured["numbers"] if _usable(n)]
    exact = [n for n in numbers if n["expected"] is not None]
    judged = [n for n in exact if n["tolerance"] is not None]
    chosen = judged or exact
    if chosen:
        return [_of_number(n, None, "isotropic", tolerance, len(chosen)) for n in chosen]
    partners = {} if reference is None else {n["label"]: n for n in reference["numbers"] if _has_error(n)}
    chosen = [n for n in numbers if n["label"] in partners and _has_error(n)]
    curves = _of_curves(measured.get("curves") or [], reference, against, tolerance)
    return curves or [_of_number(n, partners[n["label"]], against, tolerance, len(chosen)) for n in chosen]


def headline(measured: Measured, rows: Sequence[Deviation]) -> Deviation | None:
    """Return the deviation that stands for the observable, in the same unit for every cure.

    The free energy in kT where it has an exact answer, else of the deviations in the first one's unit that with the largest
    upper limit.
    """
    for number in measured["numbers"]:
        if number.get("unit") == "kT" and number["expected"] is not None and _usable(number):
            return _of_number(number, None, "isotropic", None, 1)
    same = [row for row in rows if row.unit == rows[0].unit and (row.label[:1] == rows[0].label[:1])]
    return max(same, key=lambda row: row.high) if same else None


def is_reserved(measured: Measured) -> bool:
    """Whether the exact answer binds nothing in this run, however narrow its intervals: it does not sample the observable."""
    outcomes = [n["outcome"] for n in measured["numbers"] if n.get("outcome") and n["tolerance"] is not None]
    return bool(measured["outcome"] == "undecided" and overall(outcomes) in ("held", "contradicted"))


def _usable(number: Mapping[str, Any]) -> bool:
    return number["value"] is not None


def _has_error(number: Mapping[str, Any]) -> bool:
    return _usable(number) and bool(number["error"])


def _of_number(
    number: Mapping[str, Any],
    partner: Mapping[str, Any] | None,
    against: str,
    tolerance: float | None,
    count: int,
) -> Deviation:
    error, blocks = (
        float(number["error"] or 0.0),
        float(number.get("blocks") or number.get("independent") or np.inf),
    )
    reliable = bool(number.get("enough", True))
    if partner is None:
        target = float(number["expected"])
    else:
        target = float(partner["value"])
        # Independent runs; the fewer blocks of the two decide the t distribution.
        error = float(np.hypot(error, partner["error"]))
        blocks = min(blocks, float(partner.get("blocks") or partner.get("independent") or np.inf))
        reliable = reliable and bool(partner.get("enough", True))
    half = number.get("half_width") if partner is None else None
    half = half_width(error, blocks, count) if half is None else float(half)
    value, given = abs(float(number["value"]) - target), number.get("tolerance")
    return Deviation(
        label=str(number["label"]),
        unit=str(number.get("unit") or ""),
        l=number.get("l"),
        value=value,
        error=error,
        low=max(0.0, value - half),
        high=value + half,
        tolerance=tolerance if given is None else float(given),
        against=against,
        reliable=reliable,
    )


def _of_curves(
    curves: Sequence[Mapping[str, Any]], reference: Measured | None, against: str, tolerance: float | None
) -> list[Deviation]:
    """Return root mean square distances of curves; intervals by the triangle inequality, whatever the points' correlation."""
    partners = {} if reference is None else {curve["label"]: curve for curve in reference.get("curves") or []}
    rows = []
    for curve in curves:
        wide = half_widths(curve)
        if wide is None:
            continue
        y, error = _array(curve["y"]), _array(curve["error"])
        name, enough = against, bool(curve.get("enough", True))
        if curve.get("expected") is not None:
            target, name = _array(curve["expected"]), "isotropic"
        elif (partner := partners.get(curve["label"])) is not None and len(partner["y"]) == len(y):
            other = half_widths(partner)
            if other is None:
                continue
            target, error = _array(partner["y"]), np.hypot(error, _array(partner["error"]))
            wide, enough = np.hypot(wide, other), enough and bool(partner.get("enough", True))
        else:
            continue
        keep = np.isfinite(y) & np.isfinite(target) & np.isfinite(error)
        if not keep.any():
            continue
        square, noise = float(np.mean((y - target)[keep] ** 2)), float(np.mean(error[keep] ** 2))
        rows.append((curve, square, noise, float(np.sqrt(np.mean(wide[keep] ** 2))), name, enough))
    deviant = []
    for curve, square, noise, single, name, enough in rows:
        spread, raw = float(np.sqrt(noise)), float(np.sqrt(square))
        # intervals of single points, widened as normal ones are for several curves
        half = single * half_width(1.0, np.inf, len(rows)) / half_width(1.0, np.inf, 1)
        value = float(np.sqrt(max(square - noise, 0.0)))
        deviant.append(
            Deviation(
                str(curve["label"]), _unit(curve), None, value, spread, max(0.0, raw - half), raw + half, tolerance, name,
                enough,
            )
        )  # fmt: skip
    return deviant


def half_widths(curve: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Return half the 95 % interval of every point of a curve, of results without them 1.96 times the error.

    None where the curve has no error anywhere: a single run's record.
    """
    if curve["error"] is None or not (_array(curve["error"]) > 0).any():
        return None
    return _array(curve["half_width"]) if curve.get("half_width") else 1.96 * _array(curve["error"])


def _array(values: Sequence[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _unit(curve: Mapping[str, Any]) -> str:
    """Return the unit of a curve: what stands after the last comma of its axis label."""
    _, comma, unit = str(curve.get("y_label", "")).rpartition(", ")
    return unit if comma else ""
