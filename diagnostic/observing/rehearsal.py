"""What was asked for and can say nothing of the structure, told before any long work."""

from __future__ import annotations

import numpy as np
from ase import Atoms, units

from ...theory.errors import InputError
from ..dynamics.movers import thermal_momenta
from ..dynamics.trajectory import Trajectory
from ..observables.measure import measure_observables
from ..orientation.molecules import Molecules
from .settings import ObserveSettings

#: Records that every observable is content with.
_ENOUGH = 64


def check_observables(atoms: Atoms, molecules: Molecules | None, settings: ObserveSettings) -> None:
    """Raise InputError where none of the observables that were named can be measured of this structure in runs of this length.

    They are measured of as many made-up records as a run will have, sixty-four at most; what says nothing of those says nothing
    of any.
    """
    named = settings.observables
    if not named or "relaxation" in named:
        return
    with np.errstate(all="ignore"):
        rows = measure_observables(_made_up(atoms, settings), molecules, named)
    if any(row["numbers"] or row["curves"] for row in rows.values()):
        return
    reasons = [f"{name}: {row['sentence'].partition(', ')[2].rstrip('.')}" for name, row in rows.items()]
    raise InputError(
        f"nothing that was asked for can be measured of this structure in such runs ({'; '.join(reasons)}): name other "
        "observables, or none, then all that it allows are measured"
    )


def _made_up(atoms: Atoms, settings: ObserveSettings) -> Trajectory:
    """Return records of the structure at rest, shaken a little, with random velocities, energies and forces."""
    count = min(settings.steps // settings.sample_every + 1, _ENOUGH)
    rng, masses = np.random.default_rng(0), np.asarray(atoms.get_masses())
    shape = (count, len(atoms), 3)
    momenta = np.stack([thermal_momenta(atoms, settings.temperature, rng) for _ in range(count)])
    velocities = momenta / masses[:, None] * units.fs
    kinetic = 0.5 * (momenta**2 / masses[:, None]).sum(axis=(1, 2))
    energies = rng.standard_normal((2, count))
    return Trajectory(
        np.asarray(atoms.numbers, dtype=np.int64), masses, np.asarray(atoms.cell), np.asarray(atoms.pbc),
        settings.sample_every * settings.time_step * np.arange(count, dtype=np.float64),
        atoms.positions + 1e-3 * rng.standard_normal(shape), velocities, rng.standard_normal(shape),
        energies[0], kinetic, energies[1],
    )  # fmt: skip
