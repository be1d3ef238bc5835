"""The prediction: observables of orientation from energies of the turned molecule, averaged over its shapes in a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from ...numerics.rotations import so3_quadrature
from ..dynamics.trajectory import Trajectory
from ..frames.splits import evenly_spaced
from ..orientation.coefficients import EnergyCoefficients, energy_coefficients
from ..orientation.molecules import Molecules
from ..orientation.prediction import predict_orientations
from ..records.progress import Progress
from .settings import ObserveSettings

#: Random rotations of each shape that measure what no l up to the highest holds: a few of every shape, other ones of each.
_CHECKS = 4
#: Groups of shapes that are left out in turn, for the error of the torque.
_GROUPS = 4


def predict(
    runs: Sequence[Trajectory], molecules: Molecules, calculator: Any, settings: ObserveSettings, tell: Progress
) -> dict[str, Any]:  # fmt: skip
    """Return the prediction as plain data: the fields of ``Prediction``, and the error of its torque.

    What is above ``l_top`` folds into what is below it; it is measured at a few random rotations of every shape, ``unresolved``.

    Parameters
    ----------
    runs
        Where the shapes come from, spread evenly over all records.
    molecules
        A molecule, in whose frame the energies are expanded.
    calculator
        The bare model.
    settings
        Shapes, highest l, temperature.
    tell
        Called with (what, done, total).
    """
    shapes = _shapes(runs, settings.shapes)
    rows: list[EnergyCoefficients] = []
    for done, shape in enumerate(shapes):
        tell("prediction", done, len(shapes))
        rows.append(
            energy_coefficients(
                calculator, shape, settings.l_top, molecules=molecules, checks=_CHECKS, seed=done
            )
        )
    predicted: dict[str, Any] = predict_orientations(rows, settings.temperature).to_dict()
    return {**predicted, "canonical_torque_error": _torque_error(rows, settings.temperature)}


def evaluations_of(settings: ObserveSettings) -> int:
    """Return how many evaluations the prediction takes, if every run goes to its end."""
    records = settings.replicas * (settings.steps // settings.sample_every + 1)
    return min(settings.shapes, records) * (len(so3_quadrature(2 * settings.l_top)) + _CHECKS)


def _shapes(runs: Sequence[Trajectory], count: int) -> list[Atoms]:
    positions = np.concatenate([run.positions for run in runs if len(run.times)])
    chosen = positions[evenly_spaced(len(positions), min(count, len(positions)))]
    return [Atoms(numbers=runs[0].numbers, positions=shape, masses=runs[0].masses) for shape in chosen]


def _torque_error(rows: Sequence[EnergyCoefficients], temperature: float) -> float | None:
    """Return the standard error of the mean square torque over shapes (jackknife), eV²; None where there are too few."""
    count = min(_GROUPS, len(rows))
    if count < 2:
        return None
    values = [
        predict_orientations([row for k, row in enumerate(rows) if k % count != group], temperature).canonical_torque
        for group in range(count)
    ]  # fmt: skip
    return float(np.sqrt((count - 1) * np.var(values)))
