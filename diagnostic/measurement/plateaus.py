"""Predicted plateaus: fields with power at two values of l, of which a ceiling lets an exact fraction through.

Theory gives the fraction for perfect features. Real features recover less than all of each part below the ceiling,
so the measured recovery at each l, from the fields of one pure l, weights them: the sum over k of (exact
weight of k) x (measured R2 of k). What lies above the ceiling is noise to the fit and costs about its share of the
power times coefficients / training uses, the excess error of least squares. Nothing is fitted to the plateaus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...numerics.rotations import so3_quadrature
from ...numerics.spectrum import rotation_spectrum
from ...theory.plateaus import Direction, grade_weights, predicted_recovery
from ..frames.frames import Frames
from ..frames.marks import Mark
from ..frames.motions import turned
from ..injection.fields import InjectionName, signals
from ..injection.orientations import LabTargets, Orientations
from ..injection.plateau_fields import directional_targets, directional_values, lowest_degree
from ..recovery.error_sums import Cell, ErrorSums
from ..recovery.hierarchy import Bootstrap, Interval, interval
from .measurement import Measurement
from .result import MOLECULE
from .result_types import PlateauRow, Purity, RecoveryRow
from .sources import FeatureSource
from .tables import RecoveryTable, rows_of

#: Only single directions have the exact weights; a sum over neighbours mixes l - 1 and l + 1 by its geometry.
INJECTION: InjectionName = "marked"


def weight_errors(
    frames: Frames, l_top: int, directions: Sequence[Direction], marks: Sequence[Mark]
) -> list[Purity]:
    """Measure the power of each field at every l of its rotation spectrum and return how far it is from the exact weights.

    The component along e of the field at every rotation of an SO(3) quadrature that is exact for it, for one frame;
    the powers of all polarisations are added, and the worst atom counts.

    Returns
    -------
    One entry ``{injection, direction, l, power_elsewhere}`` for each field: half the sum over l of
    |measured - exact| fraction of power, which is the share of the power at a wrong l.
    """
    fields = [(direction, l) for direction in directions for l in range(lowest_degree(direction), l_top)]
    quadrature = so3_quadrature(2 * l_top + 2)
    everywhere = turned(frames.select([0]), quadrature.rotations).positions
    values = signals(len(frames.numbers), everywhere, l_top, INJECTION, marks)
    flat = values.reshape(-1, values.shape[2])
    columns = [directional_values(d, l, flat).reshape(*values.shape[:2], -1) for d, l in fields]
    power = rotation_spectrum(np.concatenate(columns, axis=2), quadrature, l_top + 1)  # (l, atoms, columns)
    errors = []
    start = 0
    for (direction, l), column in zip(fields, columns, strict=True):
        by_grade = power[:, :, start : start + column.shape[2]].sum(axis=2)
        start += column.shape[2]
        exact = np.zeros((l_top + 2, 1))
        for grade, weight in grade_weights(direction, l).items():
            exact[grade] = float(weight)
        wrong = 0.5 * np.abs(by_grade / by_grade.sum(axis=0) - exact).sum(axis=0)
        entry = Purity(injection=INJECTION, direction=direction, l=l, power_elsewhere=float(wrong.max()))
        errors.append(entry)
    return errors


def _cell_word(directions: Sequence[Direction]) -> str:
    """Return how cells with the fields of these directions are named."""
    return "+".join(directions)


def measure_directions(
    measure: Measurement, source: FeatureSource, degree: int, directions: Sequence[Direction]
) -> dict[Direction, dict[int, Cell]]:
    """Fit the free readout to the fields of every direction, one fit for all of them for each atom.

    Returns
    -------
    ``[direction][atom]``: a cell whose l-th entry is that of l; the first of ``gradient`` is None.
    """
    top = measure.settings.l_top

    def targets(atom: int, orientations: Orientations) -> LabTargets:
        signal = measure.signal(INJECTION)[atom]
        return directional_targets(directions, top, signal, orientations, measure.compute.device)

    together = measure.free(source, degree, INJECTION, what=_cell_word(directions), targets=targets)
    cells: dict[Direction, dict[int, Cell]] = {direction: {} for direction in directions}
    for atom, (sums, counts) in together.items():
        start = 0
        for direction in directions:
            lowest = lowest_degree(direction)
            part = slice(start, start + top - lowest)
            none: list[ErrorSums | None] = [None] * lowest
            cells[direction][atom] = (none + list(sums[part]), [0] * lowest + list(counts[part]))
            start = part.stop
    return cells


def plateau_rows(
    pure: Mapping[int, Cell],
    rows: Sequence[RecoveryRow],
    bootstrap: Bootstrap,
    boundary: int,
    training_uses: int,
) -> list[PlateauRow]:
    """Return each directional row beside its predictions, the ideal one and the one weighted by the measured R2.

    Parameters
    ----------
    pure
        Cells of the fields of one pure l (``fixed``), by atom.
    rows
        Rows of fields with a direction of their own, of the molecule and of atoms.
    bootstrap
        The resamples of the run: the interval is that of the weighted sum, both l resampled together.
    boundary
        The ceiling.
    training_uses
        Number of training frames times their rotations.

    Returns
    -------
    ``{injection, direction, readout, degree, scope, l, ideal, predicted, folded, folded_low, folded_high, noise, r2,
    r2_low, r2_high}``; ``ideal`` is the exact fraction as text, ``predicted`` the same as a number, ``noise`` what the
    part above the ceiling is expected to cost at most (least squares without a ridge).
    """
    predicted_rows = []
    for row in rows:
        scope = str(row["scope"])
        if scope != MOLECULE and not scope.startswith("atom:"):
            continue
        atoms = list(pure) if scope == MOLECULE else [int(scope.removeprefix("atom:"))]
        weights = {k: float(w) for k, w in grade_weights(row["direction"], row["l"]).items()}
        folded = _folded([pure[i][0] for i in atoms], weights, bootstrap)
        predicted_rows.append(
            PlateauRow(
                injection=row["injection"], direction=row["direction"], readout=row["readout"], degree=row["degree"],
                scope=scope, l=row["l"], ideal=str(predicted_recovery(row["direction"], row["l"], boundary)),
                predicted=row["predicted"], folded=folded.value, folded_low=folded.low, folded_high=folded.high,
                noise=(1.0 - row["predicted"]) * (row["coefficients"] or 0) / training_uses,
                r2=row["r2"], r2_low=row["r2_low"], r2_high=row["r2_high"],
            )
        )  # fmt: skip
    return predicted_rows


def _folded(
    cells: Sequence[Sequence[ErrorSums | None]], weights: Mapping[int, float], bootstrap: Bootstrap
) -> Interval:
    """Return the weighted sum of the measured R2 at each l, median over atoms, both l resampled together."""
    table: dict[str, list[NDArray[np.float64]]] = {}
    for grade in weights:
        sums = [part for part in (cell[grade] for cell in cells) if part is not None]
        table[f"injected {grade}"] = [np.stack([part.injected for part in sums])]
        table[f"missed {grade}"] = [np.stack([part.missed for part in sums])]

    def statistic(get: Callable[[str], NDArray[np.float64]]) -> NDArray[np.float64]:
        parts = [w * (1.0 - get(f"missed {k}") / get(f"injected {k}")) for k, w in weights.items()]
        return np.asarray(np.median(np.sum(parts, axis=0), axis=1))

    return interval(statistic, table, bootstrap, share=True, median=True)


def directions_measured(measure: Measurement) -> list[Direction]:
    """Return the directions of the settings besides ``fixed``, where there is an atom to measure them at."""
    others: list[Direction] = [name for name in measure.settings.directions if name != "fixed"]
    return others if measure.atoms(INJECTION) else []


def run_directions(
    measure: Measurement, source: FeatureSource
) -> tuple[list[RecoveryTable], list[PlateauRow]]:
    """Measure every direction of the settings but ``fixed`` at the main degree; return (recovery tables, plateau rows)."""
    degree, wanted = measure.settings.main_degree, directions_measured(measure)
    pure = measure.free(source, degree, INJECTION)
    tables = [
        measure.table(cells, degree, injection=INJECTION, direction=direction)
        for direction, cells in measure_directions(measure, source, degree, wanted).items()
    ]
    boundary = measure.ceiling(degree).boundary
    return tables, plateau_rows(pure, rows_of(tables), measure.bootstrap, boundary, measure.training_uses)


def direction_names(measure: Measurement) -> set[str]:
    """Return the names of all cells that :func:`run_directions` makes."""
    degree, wanted = measure.settings.main_degree, directions_measured(measure)
    pure = measure.free_names("model", degree, INJECTION)
    return {*pure.values(), *measure.free_names("model", degree, INJECTION, what=_cell_word(wanted)).values()}
