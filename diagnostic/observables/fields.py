"""What the observables use of a trajectory and of molecules: isolated or periodic, whole molecules, centres, axes, frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import units
from numpy.typing import NDArray

from ..dynamics.trajectory import Trajectory as Trajectory
from ..orientation.molecules import Molecules as Molecules

Array = NDArray[np.float64]
#: 1 u Å²/fs² in eV; ħ in u Å²/fs; Boltzmann's constant in eV/K; 1/fs in 1/cm.
ENERGY = float(1 / units.fs**2)
HBAR = float(units._hbar / units._e * 1e15 / ENERGY)
BOLTZMANN = float(units.kB)
WAVENUMBER = float(1e13 / units._c)


Replicas = Sequence[Trajectory]


def isolated(trajectory: Trajectory) -> bool:
    """Whether no direction is periodic."""
    return not bool(np.any(trajectory.pbc))


def thermostatted(trajectory: Trajectory) -> bool:
    """Whether heat came in: the conserved quantity is not the total energy but for a constant."""
    heat = trajectory.potential + trajectory.kinetic - trajectory.conserved
    size = max(1.0, float(np.abs(trajectory.potential).max(initial=0.0)))
    return bool(len(heat) and np.ptp(heat) > 1e-8 * size)


def spacing(trajectory: Trajectory) -> float:
    """Time between records (fs)."""
    return float(np.diff(trajectory.times).mean()) if len(trajectory.times) > 1 else 0.0


def turnable(molecules: Molecules | None) -> list[tuple[int, str]]:
    """Return (kind, formula) of the kinds of molecules that have an axis."""
    if molecules is None:
        return []
    kinds = dict(zip(molecules.kinds, molecules.formulas, strict=True))
    return [(kind, formula) for kind, formula in sorted(kinds.items()) if molecules.has_axis(kind)]


def widths(cell: Array) -> Array:
    """Return the distances (3,) between opposite faces of a cell (Å)."""
    volume = abs(float(np.linalg.det(cell)))
    return np.asarray(
        [volume / np.linalg.norm(np.cross(cell[(k + 1) % 3], cell[(k + 2) % 3])) for k in range(3)]
    )


def folded(vectors: Array, cell: Array) -> Array:
    """Return vectors (..., 3) between points of a periodic cell, folded into the cell around the origin.

    Every vector shorter than half the smallest width of the cell is then the shortest of its images, in a triclinic cell too: its
    fractional coordinates are below 1/2.
    """
    fractional = vectors @ np.linalg.inv(cell)
    return np.asarray(vectors - np.round(fractional) @ cell)


def centres(trajectory: Trajectory, molecules: Molecules, kind: int) -> Array:
    """Return the centres of mass (records, molecules of a kind, 3) of whole molecules, continuous in time."""
    whole = molecules.unwrapped(trajectory.positions, trajectory.cell, trajectory.pbc, kind=kind)
    masses = trajectory.masses[molecules.members(kind)[0]]
    return np.asarray(np.einsum("a,rmax->rmx", masses / masses.sum(), whole, optimize=True))


def axes_of(trajectory: Trajectory, molecules: Molecules, kind: int) -> Array:
    """Return the axes (records, molecules of a kind, 3)."""
    return np.asarray(molecules.axes(trajectory.positions, trajectory.cell, trajectory.pbc, kind=kind))


def suffix(kinds: Sequence[tuple[int, str]], formula: str) -> str:
    """Return what a label says of the molecule: nothing where there is a single kind."""
    return f" of {formula}" if len(kinds) > 1 else ""
