"""The row that every observable returns: numbers with errors, curves, maps, the outcome against the exact answer, a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records.outcomes import Outcome
from ..records.plain import plain
from ..records.words import with_error
from .statistics import Estimate

Array = NDArray[np.float64]
#: What each observable is called, with a run or without.
TITLES: Mapping[str, str] = {
    "orientation": "Orientations",
    "angular-momentum": "Angular momentum",
    "torque": "Torque",
    "drift": "Drift of the conserved quantity",
    "rdf": "Radial distribution",
    "orientational-correlation": "Orientational correlations",
    "msd": "Mean square displacement",
    "spectrum": "Power spectra",
    "temperature": "Temperature",
    "potential": "Potential energy",
    "relaxation": "Relaxed energies",
}


@dataclass(frozen=True)
class Number:
    """A measured number, with the exact answer and what still counts as it, where there is one.

    Attributes
    ----------
    label
        Unique within its observable.
    estimate
        Value and error.
    expected
        The exact answer; None: there is none.
    tolerance
        Difference that still counts as equal; None: the number is not judged.
    unit, l
        Of the number.
    certain
        Whether the exact answer holds of every run, so that the number decides whatever its statistical error.
    """

    label: str
    estimate: Estimate
    expected: float | None = None
    tolerance: float | None = None
    unit: str = ""
    l: int | None = None
    certain: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether there is an exact answer to hold the number against, and a tolerance."""
        return self.expected is not None and self.tolerance is not None

    def outcome(self, numbers: int) -> Outcome:
        """Return how the number stands to its exact answer, one of ``numbers`` that are judged together."""
        if self.expected is None or self.tolerance is None:
            return "nothing tested"
        if not self.estimate.enough:
            return "undecided"
        distance, half = abs(self.estimate.value - self.expected), self.half(numbers)
        if distance - half > self.tolerance:
            return "contradicted"
        return "held" if distance + half <= self.tolerance else "undecided"

    def half(self, numbers: int) -> float:
        """Return half the interval that decides, simultaneous over ``numbers``; 0 where the number is certain."""
        return 0.0 if self.certain else self.estimate.half_width(numbers=numbers)

    def row(self, numbers: int) -> dict[str, Any]:
        """Return the number as plain data; ``half_width`` is simultaneous over ``numbers``.

        ``error`` and ``half_width`` are None where the number has no statistical error.
        """
        estimate = self.estimate
        has = estimate.error > 0
        return {
            "label": self.label, "l": self.l, "value": estimate.value, "error": estimate.error if has else None,
            "half_width": estimate.half_width(numbers=numbers) if has else None, "independent": estimate.independent,
            "tau": estimate.tau, "blocks": estimate.blocks, "enough": estimate.enough, "expected": self.expected,
            "tolerance": self.tolerance, "unit": self.unit, "outcome": self.outcome(numbers),
        }  # fmt: skip


def judged(numbers: Sequence[Number]) -> Outcome:
    """Return the outcome of the numbers of an observable together.

    Contradicted where one lies outside its tolerance by more than its 95 % interval, simultaneous over all that are judged
    (Bonferroni); held where all intervals lie inside; undecided otherwise, and where a run is too short to tell an error.

    Examples
    --------
    >>> judged([Number("x", Estimate(0.5, 0.1, 100, 0.5, 100, True), expected=0.0, tolerance=0.1)])
    'contradicted'
    """
    rows = [number for number in numbers if number.is_judged]
    outcomes = {number.outcome(len(rows)) for number in rows}
    order: tuple[Outcome, ...] = ("contradicted", "undecided", "held")
    return next((outcome for outcome in order if outcome in outcomes), "nothing tested")


def curve(
    label: str, axes: tuple[str, str], x: object, y: object, error: object = None, expected: object = None, *,
    half_width: object = None, enough: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Return a curve; ``axes`` are the labels of x and y with their units.

    ``error`` is one standard error of each point and ``half_width`` half of its 95 % interval, of each point alone (None: 1.96
    times the error, for errors that are known); ``enough`` whether the run is long enough for the errors of all points. Without
    ``error`` it is the record of one run, which has no statistical error and is compared with nothing.
    """
    half = half_width if half_width is not None or error is None else 1.96 * np.asarray(error)
    return {
        "label": label, "x_label": axes[0], "y_label": axes[1], "x": np.asarray(x).tolist(), "y": np.asarray(y).tolist(),
        "error": None if error is None else np.asarray(error).tolist(),
        "half_width": None if half is None else np.asarray(half).tolist(), "enough": enough,
        "expected": None if expected is None else np.asarray(expected).tolist(),
    }  # fmt: skip


def curve_of(
    label: str, axes: tuple[str, str], x: object, estimates: Sequence[Estimate], expected: object = None
) -> dict[str, Any]:
    """Return a curve of estimates, with 95 % intervals of Student's t."""
    y, error = [estimate.value for estimate in estimates], [estimate.error for estimate in estimates]
    half = [estimate.half_width() for estimate in estimates]
    enough = all(estimate.enough for estimate in estimates)
    return curve(label, axes, x, y, error, expected, half_width=half, enough=enough)


def said(estimate: Estimate, unit: str) -> str:
    """Return a number with its interval in words, or what it lacks."""
    if not estimate.enough:
        return f"{with_error(estimate.value, None, unit)}, of a run that is too short for an error"
    return with_error(estimate.value, estimate.half_width(), unit)


def measured(
    name: str,
    title: str,
    numbers: Sequence[Number],
    *,
    curves: Sequence[dict[str, Any]] = (),
    maps: Sequence[dict[str, Any]] = (),
    say: str = "",
    reservation: str = "",
) -> dict[str, Any]:
    """Return the row of an observable.

    ``say`` is a clause that comes first; a ``reservation`` says in one sentence why the exact answer binds nothing here, and
    makes the outcome undecided.
    """
    rows = [number for number in numbers if number.is_judged]
    outcome = "undecided" if reservation and rows else judged(numbers)
    clauses = [say] if say else []
    if rows:
        clauses.append(_verdict(rows, outcome))
    return plain(  # type: ignore[no-any-return]
        {
            "name": name,
            "title": title,
            "isotropic": bool(rows),
            "numbers": [number.row(max(1, len(rows))) for number in numbers],
            "curves": list(curves),
            "maps": list(maps),
            "outcome": outcome,
            "sentence": f"{title}: {'; '.join(clauses)}."
            + (f" {reservation}" if reservation and rows else ""),
        },
        name,
    )


def nothing(name: str, title: str, reason: str) -> dict[str, Any]:
    """Return the row of an observable that does not apply; ``reason`` is a clause without a full stop."""
    row = measured(name, title, [], say=f"nothing tested, {reason}")
    return row


def _verdict(rows: Sequence[Number], outcome: Outcome) -> str:
    def excess(number: Number) -> float:
        assert number.expected is not None
        assert number.tolerance is not None
        distance, half = abs(number.estimate.value - number.expected), number.half(len(rows))
        # for what is contradicted the surest, otherwise the widest reach
        return distance + (-half if outcome == "contradicted" else half) - number.tolerance

    short = [number for number in rows if not number.estimate.enough]
    if outcome == "undecided" and short:
        return (
            f"undecided, the run is too short for an error of {max(short, key=excess).label}, which takes three blocks of ten "
            f"autocorrelation times"
        )
    worst = max((row for row in rows if row.outcome(len(rows)) == outcome), key=excess, default=rows[0])
    estimate, answer = worst.estimate, f"where the exact answer is {worst.expected:g}"
    number = with_error(estimate.value, estimate.half_width(numbers=len(rows)), worst.unit)
    if not estimate.error > 0:
        number += " in this run"
    text = f"{worst.label} is {number} {answer} and {worst.tolerance:g} is tolerated"
    if outcome == "held":
        return f"all {len(rows)} numbers agree, {text}" if len(rows) > 1 else text
    if outcome == "contradicted":
        return f"outside the tolerance, {text}"
    return f"undecided, {text}"
