"""Frames of crystals and molecules with energies, forces and stress of ASE's effective-medium potential."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.emt import EMT

from spectral_ceilings.diagnostic.frames.frames import Frames


def rattled(atoms: Atoms, count: int, seed: int = 0, *, strain: float = 0.0) -> Frames:
    """Return frames whose atoms are displaced by 0.06 Å, and whose cells are scaled by factors of spread ``strain``."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        image = atoms.copy()
        if strain and atoms.pbc.all():
            image.set_cell(image.cell.array * (1 + strain * rng.normal()), scale_atoms=True)
        image.positions += 0.06 * rng.normal(size=image.positions.shape)
        image.calc = EMT()
        made.append(image)
    periodic = bool(atoms.pbc.all())
    return Frames(
        np.array(atoms.numbers, dtype=np.int64),
        np.array([image.positions for image in made]),
        np.array([image.get_forces() for image in made]),
        np.array([image.get_potential_energy() for image in made]),
        "emt",
        "1" * 64,
        "eV",
        cells=np.array([image.cell.array for image in made]) if periodic else None,
        pbc=(periodic,) * 3,
        stress=np.array([image.get_stress() for image in made]) if periodic else None,
    )
