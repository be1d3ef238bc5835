"""Averages over rotations by metatomic's SymmetrizedCalculator, on a model that breaks the symmetry, are ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes

from spectral_ceilings.diagnostic.dynamics import parse_cure
from spectral_ceilings.diagnostic.symmetry.averaged_calculator import AveragedCalculator

WATER = molecule("H2O")
WATER.rattle(0.05, seed=1)
AXES = np.array([[0.3, 0.1, 0.0], [0.1, -0.1, 0.2], [0.0, 0.2, -0.2]])


class Field(Calculator):
    """q (exp(b . x) + x^T A x) about the centre: every l; ``compute_energy`` is the interface that metatomic asks."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions - self.atoms.positions.mean(axis=0)
        b, q = np.array([0.3, 0.1, -0.2]), np.array([[1.0], [0.5], [-0.7]])
        inner = np.exp(x @ b)[:, None]
        gradient = q * (inner * b + 2 * x @ AXES)
        self.results = {
            "energy": float((q * (inner + (x @ AXES * x).sum(axis=1, keepdims=True))).sum()),
            "forces": gradient.mean(axis=0) - gradient,
        }

    def compute_energy(self, structures: Any, forces: bool, *, per_atom: bool) -> dict[str, list[Any]]:
        made: dict[str, list[Any]] = {"energy": [], "forces": []}
        for structure in structures:
            self.calculate(structure)
            for name, values in made.items():
                values.append(self.results[name])
        return made


def answer(calculator: Any) -> tuple[float, Any]:
    atoms = WATER.copy()
    atoms.calc = calculator
    return atoms.get_potential_energy(), atoms.get_forces()


@pytest.mark.parametrize("inversion", [False, True])
def test_metatomic_averages_as_we_do(inversion: bool) -> None:
    theirs = pytest.importorskip("metatomic_ase").SymmetrizedCalculator(
        Field(), l_max=5, include_inversion=inversion, batch_size=20
    )
    same_grid = AveragedCalculator(Field(), "grid", degree=2)
    same_grid.rotations, same_grid.weights = theirs.quadrature_rotations, theirs.quadrature_weights
    energy, forces = answer(theirs)
    for ours in (same_grid, parse_cure("grid-6-inversion" if inversion else "grid-6").calculator(Field())):
        mine = answer(ours)
        # one grid: rounding. Another: what neither removes, l = 6 of exp(b . x) with b x < 0.31: (0.31)^6 / 10395 = 9e-8 eV
        tolerance = 1e-13 if ours is same_grid else 2e-7
        assert abs(energy - mine[0]) < tolerance
        assert np.abs(forces - mine[1]).max() < tolerance
    # and the average is another number than the bare one
    assert abs(answer(Field())[0] - energy) > 1e-3
