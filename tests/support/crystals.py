"""Small crystals, and the laws that features of crystals keep; for the tests of every adapter."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bulk

from spectral_ceilings.diagnostic.backbones.backbone import Backbone
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.motions import by_lattice_vectors, supercell

#: Sums over 60 neighbours in another order, through three layers: some thousand roundings of float64.
ROUNDING = 1e-11


def crystal(frames: int = 2, seed: int = 0, pbc: tuple[bool, bool, bool] = (True, True, True)) -> Frames:
    """Return a small, skewed, rattled cell of H, C and O, of 4 atoms, smaller than twice a cutoff of 5 Å in every direction."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(frames):
        atoms = bulk("C", "fcc", a=4.4, cubic=True)
        atoms.set_cell(
            atoms.cell.array @ (np.eye(3) + 0.05 * np.triu(rng.normal(size=(3, 3)))), scale_atoms=True
        )
        atoms.rattle(0.1, rng=rng)
        made.append(atoms)
    return of_atoms(made, np.array([6, 1, 8, 1]), pbc)


def of_atoms(structures: list[Atoms], numbers: np.ndarray, pbc: tuple[bool, bool, bool]) -> Frames:
    positions = np.array([atoms.positions for atoms in structures])
    cells = np.array([atoms.cell.array for atoms in structures])
    return Frames(
        numbers, positions, np.zeros_like(positions), None, "crystal", "0" * 64, "eV", cells=cells, pbc=pbc
    )


def assert_periodic(backbone: Backbone, frames: Frames) -> None:
    """Assert that a supercell has the features, forces and energy of the cell, and so have atoms moved by cell vectors."""
    names = [layer.name for layer in backbone.layers()]
    base = backbone.respond(frames, names, forces=True)
    moved = backbone.respond(by_lattice_vectors(frames, np.random.default_rng(1)), names, forces=True)
    repeated = backbone.respond(supercell(frames, (2, 2, 2)), names, forces=True)
    images = 2 ** sum(frames.pbc)
    assert base.forces is not None
    for name in names:
        values = base.features[name].values
        size = np.abs(values).max()
        np.testing.assert_allclose(moved.features[name].values, values, atol=ROUNDING * size)
        np.testing.assert_allclose(
            repeated.features[name].values, np.tile(values, (1, images, 1)), atol=ROUNDING * size
        )
    for other, times in ((moved, 1), (repeated, images)):
        np.testing.assert_allclose(other.forces, np.tile(base.forces, (1, times, 1)), atol=1e-10)
        if base.energies is not None:
            np.testing.assert_allclose(other.energies, times * base.energies, rtol=1e-11)
        if base.stress is not None:
            np.testing.assert_allclose(other.stress, base.stress, atol=1e-11)
