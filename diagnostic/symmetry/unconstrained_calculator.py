"""A model without symmetry as an ASE calculator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..backbones.unconstrained_graph import graph_forces, graph_of, joined
from ..backbones.unconstrained_model import UnconstrainedNetwork
from ..records.devices import items_at_once
from .batch_calculator import ATOMS_AT_ONCE, BatchCalculator

Array = NDArray[np.float64]
#: Bytes of an atom with 60 neighbours and 64 channels, in float64, with what its gradient keeps.
_ATOM_BYTES = 8e6


class UnconstrainedCalculator(BatchCalculator):
    """The model as an ASE calculator, of molecules and of periodic structures: energy in eV, forces in eV/Å."""

    def __init__(self, network: UnconstrainedNetwork) -> None:
        super().__init__()
        self.network = network

    @property
    def atoms_at_once(self) -> int:
        """Atoms in a batch: on a card as many as its free memory holds."""
        return items_at_once(self.network.embed.weight.device, _ATOM_BYTES, ATOMS_AT_ONCE)

    def evaluate(self, numbers: NDArray[np.int64], positions: Array) -> tuple[Array, Array]:
        """Run the network on molecules; InputError for an unknown element."""
        energies, forces = self.network.forces(*self.network.inputs(positions, numbers))
        return energies.detach().cpu().numpy(), forces.detach().cpu().numpy()

    def many(self, structures: Sequence[Atoms]) -> tuple[Array, Array]:
        """Return energies ``(structures,)`` and forces ``(structures, atoms, 3)`` of structures of one composition."""
        if not any(structure.pbc.any() for structure in structures):
            return super().many(structures)
        graphs = [
            graph_of(
                self.network, np.asarray(each.numbers, dtype=np.int64), each.positions, np.asarray(each.cell),
                (bool(each.pbc[0]), bool(each.pbc[1]), bool(each.pbc[2])),
            )
            for each in structures
        ]  # fmt: skip
        energies, forces = graph_forces(self.network, joined(graphs))
        return energies.detach().cpu().numpy(), forces.detach().cpu().numpy().reshape(len(structures), -1, 3)
