"""What a run of molecular dynamics leaves: positions, velocities, forces and energies at equal times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trajectory:
    """Records of one run at equal intervals, the first of them its start after equilibration.

    Attributes
    ----------
    numbers, masses
        ``(atoms,)``: atomic numbers; u.
    cell
        ``(3, 3)``, rows are the cell vectors (Å); zeros: none.
    pbc
        ``(3,)``: in which directions the structure is periodic.
    times
        ``(records,)``, fs from the end of the equilibration.
    positions
        ``(records, atoms, 3)``, Å, not wrapped into the cell.
    velocities
        ``(records, atoms, 3)``, Å/fs.
    forces
        ``(records, atoms, 3)``, eV/Å, of the calculator that moved the atoms: those of the cure where there is one.
    potential, kinetic
        ``(records,)``, eV; the potential energy is that of the cure.
    conserved
        ``(records,)``, eV: total energy less the heat that a thermostat gave since the first record.
    ended
        Why the run stopped before its last step, one clause; empty: it did not.
    """

    numbers: NDArray[np.int64]
    masses: Array
    cell: Array
    pbc: NDArray[np.bool_]
    times: Array
    positions: Array
    velocities: Array
    forces: Array
    potential: Array
    kinetic: Array
    conserved: Array
    ended: str = ""

    @property
    def total(self) -> Array:
        """Total energy ``(records,)``, eV."""
        return self.potential + self.kinetic
