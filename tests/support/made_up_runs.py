"""Trajectories with made-up positions, velocities and energies: rigid waters in given orientations, Maxwell velocities."""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.data import atomic_masses

from spectral_ceilings.diagnostic.dynamics import Trajectory
from spectral_ceilings.diagnostic.orientation import perceive_molecules

#: Rigid water about its centre of mass, the axis along z, the plane x = 0 (Å); u Å²/fs² in eV.
WATER = np.array([[0.0, 0.0, -0.0657], [0.0, 0.757, 0.5213], [0.0, -0.757, 0.5213]])
ENERGY = 1 / units.fs**2


def made_up_run(
    numbers, positions, *, cell=0.0, step=5.0, temperature=300.0, seed=0, thermostat=True, **fields
):
    """A trajectory of positions (records, atoms, 3); velocities of Maxwell, energies and forces of noise unless given."""
    rng = np.random.default_rng(seed)
    numbers = np.asarray(numbers)
    positions = np.asarray(positions, dtype=float)
    masses = atomic_masses[numbers]
    box = np.asarray(cell, dtype=float)
    box = np.eye(3) * box if box.ndim == 0 else box
    velocities = (
        rng.standard_normal(positions.shape) * np.sqrt(temperature * units.kB / ENERGY / masses)[:, None]
    )
    velocities = fields.pop("velocities", velocities)
    kinetic = 0.5 * ENERGY * (masses[:, None] * velocities**2).sum(axis=(1, 2))
    potential = fields.pop("potential", rng.standard_normal(len(positions)))
    heat = rng.standard_normal(len(positions)) if thermostat else np.zeros(len(positions))
    given = {
        "forces": rng.standard_normal(positions.shape),
        "conserved": potential + kinetic - heat,
        **fields,
    }
    return Trajectory(
        numbers=numbers, masses=masses, cell=box, pbc=np.full(3, bool(box.any())), times=step * np.arange(len(positions)),
        positions=positions, velocities=velocities, potential=potential, kinetic=kinetic, **given,
    )  # fmt: skip


def waters(rotations, places=None, **options):
    """A run of waters turned by rotations (records, molecules, 3, 3) about places (molecules, 3) or (records, molecules, 3)."""
    rotations = np.asarray(rotations)
    records, count = rotations.shape[:2]
    if places is None:
        places = 6.0 * np.arange(count)[:, None] * np.array([1.0, 0.0, 0.0])
    positions = (
        np.einsum("rmij,aj->rmai", rotations, WATER)
        + np.broadcast_to(places, (records, count, 3))[:, :, None]
    )
    return made_up_run(np.tile([8, 1, 1], count), positions.reshape(records, 3 * count, 3), **options)


def molecules_of(run):
    """The molecules that a run starts with."""
    return perceive_molecules(Atoms(run.numbers, run.positions[0], cell=run.cell, pbc=run.pbc))
