"""Rows of the exact test bed: a closed form beside what the observables measure, with the error that they report themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from scipy.stats import t as student

from benchmarks.broken_symmetry_tables import table as print_markdown
from spectral_ceilings.diagnostic import Trajectory
from spectral_ceilings.diagnostic.observables import ObservableSettings, measure_observables
from spectral_ceilings.diagnostic.records.words import with_error

Array = NDArray[np.float64]
#: The chance that a table in which everything is right has a row beyond the bound.
FALSE_ALARM = 1e-3


@dataclass(frozen=True)
class Row:
    """One number: its closed form, what was measured, the error that was reported with its degrees of freedom.

    ``enough``: the run was long enough for an error; where it was not, the number is held against nothing.
    """

    name: str
    exact: float
    measured: float
    error: float
    freedom: float = np.inf
    enough: bool = True

    @property
    def z(self) -> float:
        """The miss in standard errors."""
        return (self.measured - self.exact) / self.error if self.error else float(self.measured != self.exact)

    @property
    def chance(self) -> float:
        """The chance of a miss of this size or more, by Student's t."""
        return float(2 * student.sf(abs(self.z), self.freedom))

    @property
    def score(self) -> float:
        """The miss as a standard normal number, of the same chance."""
        return float(np.sign(self.z) * norm.isf(self.chance / 2))


def missed(table: Sequence[Row], false_alarm: float = FALSE_ALARM) -> list[Row]:
    """Return the rows beyond the bound that a table where all is right keeps but for ``false_alarm`` (Bonferroni)."""
    told = [row for row in table if row.enough]
    return [row for row in told if not row.chance * len(told) >= false_alarm]


def freedom_of(number: dict[str, Any], judged: int) -> float:
    """Return the degrees of freedom behind a half width, simultaneous over ``judged`` numbers."""
    if not number["error"]:
        return np.inf
    level, ratio = 1 - 0.05 / (2 * max(1, judged)), number["half_width"] / number["error"]
    if ratio <= 1.0001 * norm.ppf(level):
        return np.inf
    return float(brentq(lambda freedom: student.ppf(level, freedom) - ratio, 1.0, 1e7))


class Measured:
    """Observables of runs, by their labels."""

    def __init__(self, runs: Any, molecules: Any, names: Sequence[str], **how: Any) -> None:
        self.rows = measure_observables(runs, molecules, names, ObservableSettings(**how))

    def number(self, observable: str, label: str, exact: float, name: str) -> Row:
        """Return the row of a number."""
        numbers = self.rows[observable]["numbers"]
        judged = sum(number["tolerance"] is not None and number["expected"] is not None for number in numbers)
        number = next(number for number in numbers if number["label"] == label)
        return Row(
            name, exact, number["value"], number["error"] or 0.0, freedom_of(number, judged), number["enough"]
        )

    def curve(self, observable: str, label: str, exact: Callable[[Array], Array], name: str, at: Sequence[int], freedom: float
              ) -> list[Row]:  # fmt: skip
        """Return rows at some points of a curve."""
        curve = next(curve for curve in self.rows[observable]["curves"] if curve["label"] == label)
        x = np.array(curve["x"])
        told = exact(x)
        return [
            Row(
                f"{name} at {x[k]:.3g}",
                float(told[k]),
                curve["y"][k],
                curve["error"][k],
                freedom,
                curve["enough"],
            )
            for k in at
        ]


def by_molecule(run: Trajectory, size: int) -> list[Trajectory]:
    """Return the run of every molecule of ``size`` atoms; energies are an equal share of those of all."""
    count = len(run.numbers) // size
    shared = {name: getattr(run, name) / count for name in ("potential", "kinetic", "conserved")}
    runs = []
    for part in (slice(k * size, (k + 1) * size) for k in range(count)):
        vectors = {name: getattr(run, name)[:, part] for name in ("positions", "velocities", "forces")}
        runs.append(replace(run, numbers=run.numbers[part], masses=run.masses[part], **vectors, **shared))
    return runs


def summary(table: Sequence[Row]) -> str:
    """Return what the misses say of the reported errors, in a sentence."""
    told = [row for row in table if row.enough]
    scores = np.array([row.score for row in told])
    short = (
        f"; {len(table) - len(told)} more of runs too short for an error" if len(told) < len(table) else ""
    )
    return (
        f"{len(told)} numbers: {np.mean(np.abs(scores) < 1):.0%} within one reported error (68 % expected), "
        f"{np.mean(np.abs(scores) < 1.96):.0%} within 95 % intervals, root mean square {np.sqrt(np.mean(scores**2)):.2f}, "
        f"largest {np.abs(scores).max():.2f}; bound for a false alarm of {FALSE_ALARM:g}: "
        f"{norm.isf(FALSE_ALARM / len(told) / 2):.2f}{short}"
    )


def to_digits(exact: float, error: float) -> str:
    """Return a closed form to the digits of a measured error; 0 without any."""
    if abs(exact) < 1e-12:
        return "0"
    value, _, rest = with_error(exact, error).partition(" ± ")
    return value.lstrip("(") + rest.partition(")")[2]


def print_rows(table: Sequence[Row]) -> None:
    """Print every number beside its closed form, with the miss in standard errors."""
    lines = []
    for row in table:
        z = f"{row.z:.2f}" if row.enough else "too short"
        lines.append([row.name, to_digits(row.exact, row.error), with_error(row.measured, row.error), z])
    print_markdown(["number", "closed form", "measured", "z"], lines)


def print_cures(table: Sequence[Row], cures: Sequence[str]) -> None:
    """Print the numbers of every cure in a line: measured with the reported error, and the closed form in brackets."""
    names = ("<P_1>", "<P_2>", "<P_3>", "<P_4>", "rms torque, eV", "temperature, K", "drift, meV/atom/ns")
    lines = []
    for cure in cures:
        by_name = {
            row.name.removeprefix(f"{cure}: "): row for row in table if row.name.startswith(f"{cure}: ")
        }
        cells = []
        for name in names:
            row = by_name[name]
            scale = 1e3 if name.endswith(", eV") else 1.0
            told = with_error(scale * row.measured, scale * row.error if row.enough else None)
            cells.append(f"{told} ({to_digits(scale * row.exact, scale * row.error)})")
        lines.append([f"`{cure}`", *cells])
    print_markdown(["cure", "⟨P_1⟩", "⟨P_2⟩", "⟨P_3⟩", "⟨P_4⟩", "rms torque, meV", *names[-2:]], lines)
