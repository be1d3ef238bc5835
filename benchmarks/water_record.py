"""What the parts of the record on broken symmetry share: its models, rules and structures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read

from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator

MODELS = {"plain": "water-unconstrained", "augmented": "water-unconstrained-augmented"}
#: The published rules: none, inversion, order 2 (18 rotations), both, order 3 (75 rotations).
RULES = {"none": "none", "inversion": "inversion", "2": "grid-2", "2i": "grid-2-inversion", "3": "grid-4"}
L_TOP = 4
#: Cures that are no rule: a new rotation at every step, and 2i at every tenth (5 fs) or fourth (2 fs) step.
STEPPED = {"random": "random", "mts-10:2i": "mts-10:grid-2-inversion", "mts-4:2i": "mts-4:grid-2-inversion"}
#: Starts of the runs at constant energy.
COPIES = 16


def rounded(value: Any) -> Any:
    """Return numbers with six digits."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [rounded(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.6g}")
    return int(value) if isinstance(value, np.integer) else value


def plain_atoms(atoms: Atoms) -> Atoms:
    """Return numbers, positions and cell alone."""
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def water(sets: Path) -> list[Atoms]:
    """Return molecules of the 400 K set."""
    return [plain_atoms(atoms) for atoms in read(sets / "one.extxyz", ":")]


def each_model() -> list[tuple[str, Any]]:
    """Return both models' calculators by arm."""
    return [(arm, load_calculator(name).calculator) for arm, name in MODELS.items()]
