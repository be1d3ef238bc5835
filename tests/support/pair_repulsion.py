"""A calculator that keeps every symmetry, in any number format, or breaks inversion or translations by a known amount."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes


class Pairs(Calculator):
    """Sum of 1 / r^2 over pairs, of positions in a number format, and what a subclass adds."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, dtype: Any = np.float64, chiral: float = 0.0, place: float = 0.0) -> None:
        super().__init__()
        self.dtype, self.chiral, self.place = dtype, chiral, place

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions.astype(self.dtype).astype(np.float64)
        d = x[:, None] - x[None]
        r, off = np.linalg.norm(d, axis=-1) + np.eye(len(x)), 1 - np.eye(len(x))
        forces = np.einsum("ij,ijk->ik", 2 * off / r**4, d)
        u, v, w = x[1:4] - x[0]
        triple = np.zeros_like(x)
        triple[1:4] = -np.cross(v, w), -np.cross(w, u), -np.cross(u, v)
        triple[0] = -triple.sum(axis=0)
        energy = 0.5 * (off / r**2).sum() + self.chiral * np.cross(u, v) @ w
        # The centre stays where it is under turns about it; without a force of its own, this breaks translations alone.
        centre = x.mean(axis=0) @ np.ones(3)
        self.results = {"energy": float(energy + self.place * centre),
                        "forces": forces + self.chiral * triple}  # fmt: skip
