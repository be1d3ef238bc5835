"""Molecules that do not interact, each held together by springs: what the exact test bed of broken symmetry moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
#: Springs (first atom, second, eV/Å^2) of water: both bonds and the distance between the hydrogens. Vibrations near 3,600, 3,700
#: and 1,700 / cm.
WATER = ((0, 1, 45.0), (0, 2, 45.0), (1, 2, 10.0))
#: The bond of nitrogen.
NITROGEN = ((0, 1, 140.0),)
#: Å between the molecules of a grid.
_APART = 12.0


class Springs(Calculator):
    """An ASE calculator: in each molecule springs of the lengths of a reference; molecules do not feel each other.

    Parameters
    ----------
    reference
        One molecule; the atoms of a structure are those of the molecules one after the other.
    springs
        (first atom, second, stiffness in eV/Å^2).
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 - ASE's interface

    def __init__(self, reference: Atoms, springs: Sequence[tuple[int, int, float]]) -> None:
        super().__init__()
        self.springs = tuple(springs)
        self.size = len(reference)
        self.lengths = [float(reference.get_distance(i, j)) for i, j, _ in springs]
        self.masses = np.asarray(reference.get_masses())

    def many(self, structures: Sequence[Atoms]) -> tuple[Array, Array]:
        """Return energies ``(structures,)`` and forces ``(structures, atoms, 3)`` of structures of like atoms."""
        positions = np.stack([structure.positions for structure in structures])
        r = positions.reshape(len(positions), -1, self.size, 3)
        energies, forces = np.zeros(len(r)), np.zeros(r.shape)
        for (i, j, stiffness), length in zip(self.springs, self.lengths, strict=True):
            d = r[:, :, j] - r[:, :, i]
            size = np.sqrt(np.einsum("smx,smx->sm", d, d))
            energies += 0.5 * stiffness * ((size - length) ** 2).sum(axis=1)
            pull = (stiffness * (1 - length / size))[..., None] * d
            forces[:, :, i] += pull
            forces[:, :, j] -= pull
        return energies, forces.reshape(positions.shape)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy", "forces"),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate one structure."""
        super().calculate(atoms, properties, system_changes)
        energies, forces = self.many([self.atoms])
        self.results = {"energy": float(energies[0]), "forces": forces[0]}

    @property
    def squared_rates(self) -> float:
        r"""The sum of :math:`\omega^2` over all vibrations of a molecule, eV/Å^2/u: the trace of the Hessian over masses."""
        return sum(k * (1 / self.masses[i] + 1 / self.masses[j]) for i, j, k in self.springs)


def copies(reference: Atoms, count: int, rng: np.random.Generator) -> Atoms:
    """Return copies of a molecule in random orientations on a grid, without a cell."""
    centred = reference.positions - reference.get_center_of_mass()
    turns = Rotation.random(count, random_state=rng).as_matrix()
    side = int(np.ceil(count ** (1 / 3)))
    places = _APART * np.stack(np.unravel_index(np.arange(count), (side, side, side)), axis=1)
    positions = np.einsum("nij,aj->nai", turns, centred) + places[:, None]
    made: Any = Atoms(np.tile(reference.numbers, count), positions.reshape(-1, 3))
    return made
