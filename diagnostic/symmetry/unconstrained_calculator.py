"""A model without symmetry as an ASE calculator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..backbones.unconstrained_model import UnconstrainedNetwork
from .batch_calculator import BatchCalculator

Array = NDArray[np.float64]


class UnconstrainedCalculator(BatchCalculator):
    """The model as an ASE calculator: energy in eV, forces in eV/Å."""

    no_cells = "this model knows no cells; give a molecule or set pbc to False"

    def __init__(self, network: UnconstrainedNetwork) -> None:
        super().__init__()
        self.network = network

    def evaluate(self, numbers: NDArray[np.int64], positions: Array) -> tuple[Array, Array]:
        """Run the network; InputError for an unknown element."""
        energies, forces = self.network.forces(*self.network.inputs(positions, numbers))
        return energies.detach().cpu().numpy(), forces.detach().cpu().numpy()
