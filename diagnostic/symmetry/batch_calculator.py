"""What ASE calculators of this package have in common: molecules of one composition, evaluated many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from ...theory.errors import InputError

Array = NDArray[np.float64]
#: Atoms in a batch on a processor; see ``batch_size`` in ``batches``.
ATOMS_AT_ONCE = 192


class BatchCalculator(Calculator):
    """An ASE calculator that evaluates structures of one composition together: energy in eV, forces in eV/Å.

    A subclass gives :meth:`evaluate`, and in ``no_cells`` what it says about periodic structures; one that uses cells gives
    :meth:`many` instead.
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 - ASE's interface
    no_cells: ClassVar[str]

    @property
    def atoms_at_once(self) -> int:
        """Atoms in a batch, about."""
        return ATOMS_AT_ONCE

    def evaluate(self, numbers: NDArray[np.int64], positions: Array) -> tuple[Array, Array]:
        """Return energies ``(structures,)`` and forces ``(structures, atoms, 3)``.

        Parameters
        ----------
        numbers
            ``(atoms,)``, atomic numbers.
        positions
            ``(structures, atoms, 3)``, Å.
        """
        raise NotImplementedError

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy", "forces"),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate one structure; InputError for an unknown element, or a periodic one where cells are not known."""
        super().calculate(atoms, properties, system_changes)
        energies, forces = self.many([cast(Atoms, self.atoms)])
        self.results = {
            "energy": float(energies[0]),
            "forces": forces[0],
            **self.further(cast(Atoms, self.atoms)),
        }

    def further(self, structure: Atoms) -> dict[str, Any]:
        """Return further properties of one structure; none unless a subclass has them."""
        del structure
        return {}

    def many(self, structures: Sequence[Atoms]) -> tuple[Array, Array]:
        """Return energies ``(structures,)`` and forces ``(structures, atoms, 3)`` of structures of one composition."""
        if any(structure.pbc.any() for structure in structures):
            raise InputError(f"the structure is periodic and {self.no_cells}")
        positions = np.stack([structure.positions for structure in structures])
        return self.evaluate(np.asarray(structures[0].numbers, dtype=np.int64), positions)
