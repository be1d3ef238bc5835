"""A model without symmetry as an ASE calculator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..backbones.unconstrained_graph import graph_forces, graph_of, joined
from ..backbones.unconstrained_model import UnconstrainedNetwork
from .batch_calculator import ATOMS_AT_ONCE, BatchCalculator

Array = NDArray[np.float64]


class UnconstrainedCalculator(BatchCalculator):
    """The model as an ASE calculator, of molecules and of periodic structures: energy in eV, forces in eV/Å."""

    def __init__(self, network: UnconstrainedNetwork) -> None:
        super().__init__()
        self.network = network

    @property
    def atoms_at_once(self) -> int:
        """Atoms in a batch: on an accelerator many more, so that it has something to do."""
        return ATOMS_AT_ONCE if self.network.embed.weight.device.type == "cpu" else 2048

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
