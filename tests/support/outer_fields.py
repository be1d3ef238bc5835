"""A calculator whose dependence on orientation is known exactly: springs in an outer field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes

from spectral_ceilings.diagnostic.symmetry.calculators import AuditStructures, NamedCalculator
from spectral_ceilings.numerics.harmonics import real_harmonics

WATER = molecule("H2O")


class Outside(Calculator):
    """Springs, and an outer field: Y_l of the direction from the first atom to the second, for some l."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, sizes: dict[int, float], springs: float = 1.0) -> None:
        super().__init__()
        self.sizes, self.springs, self.calls = sizes, springs, 0

    def _energies(self, x: np.ndarray) -> np.ndarray:
        y = real_harmonics(max(self.sizes), x[:, 1] - x[:, 0], normalization="integral")
        total = sum(size * y[:, l * l + l] for l, size in self.sizes.items())
        squares = ((x[:, :, None] - x[:, None]) ** 2).sum(axis=3)
        return total + 0.5 * self.springs * ((np.sqrt(squares) - 1.2) ** 2).sum(axis=(1, 2))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        x, h = self.atoms.positions, 1e-5
        steps = h * np.eye(x.size).reshape(-1, *x.shape)
        found = self._energies(np.concatenate([x[None], x + steps, x - steps]))
        forces = -(found[1 : x.size + 1] - found[x.size + 1 :]) / (2 * h)
        self.results = {"energy": float(found[0]), "forces": forces.reshape(x.shape)}


def named(calculator: Any) -> NamedCalculator:
    return NamedCalculator(calculator, "<made> here", type(calculator).__name__, None)


THREE = AuditStructures(tuple(Atoms("OH2", WATER.positions * s) for s in (1.0, 1.1, 1.2)), "three", "0" * 64)
