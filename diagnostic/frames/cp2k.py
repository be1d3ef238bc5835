"""Trajectories of CP2K: positions, forces and cells that it writes into files of their own.

``NAME-pos-1.xyz`` (Å, energies in hartree in the comment), ``NAME-frc-1.xyz`` (hartree/bohr) and ``NAME-1.cell`` (Å).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from ...theory.errors import InputError
from .elements import Elements
from .extxyz import ExtxyzImages
from .images import AseImages
from .units import Units

_ENERGY = re.compile(r"\bE\s*=\s*([-+0-9.Ee]+)")
_STEP = re.compile(r"\bi\s*=\s*(\d+)")
UNITS = Units("hartree", "Å", "hartree", "bohr")


def is_cp2k(path: Path) -> bool:
    """Whether a file is CP2K's file of positions."""
    return path.suffix.lower() == ".xyz" and "-pos-" in path.name


def forces_beside(path: Path) -> Path:
    """Return where CP2K writes the forces of a file of positions."""
    return path.with_name(path.name.replace("-pos-", "-frc-"))


def cp2k_images(path: Path, name: str, elements: Elements) -> AseImages | None:
    """Return the steps of a CP2K trajectory; None where no file of forces lies beside the positions.

    Raises
    ------
    InputError
        The files have different numbers of steps or different steps.
    """
    beside = forces_beside(path)
    if not beside.is_file():
        return None
    positions, forces = ExtxyzImages(path, name, elements), ExtxyzImages(beside, beside.name, elements)
    count = len(positions.table)
    if len(forces.table) != count:
        raise InputError(
            f"{name}: it has {count} steps and {beside.name} {len(forces.table)}: expected the same, so write both as often."
        )
    notes = [f"forces come from {beside.name}"]
    cells = _cells(path, count, name)
    notes.append(
        "no file of cells lies beside it: it is read as not periodic"
        if cells is None
        else "its cells come from its .cell file"
    )

    def read(index: int) -> Atoms:
        image, pull = positions.image(index), forces.image(index)
        said, other = positions.comment(index), forces.comment(index)
        steps = _STEP.search(said), _STEP.search(other)
        if steps[0] and steps[1] and steps[0].group(1) != steps[1].group(1):
            raise InputError(
                f"{name}: its structure {index} is step {steps[0].group(1)} and that of {beside.name} step "
                f"{steps[1].group(1)}: expected the same steps in both."
            )
        results: dict[str, Any] = {"forces": pull.positions}
        energy = _ENERGY.search(said)
        if energy:
            results["energy"] = float(energy.group(1))
        atoms = Atoms(numbers=image.numbers, positions=image.positions)
        if cells is not None:
            atoms.cell[:] = cells[index]
            atoms.pbc = True
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
        return atoms

    return AseImages(count, read, notes)


def _cells(path: Path, count: int, name: str) -> Any:
    """Cells of the steps, from ``NAME-1.cell``; None where there is no such file."""
    beside = path.with_name(re.sub(r"-pos-(.*)\.xyz$", r"-\1.cell", path.name))
    if not beside.is_file():
        return None
    try:
        rows = np.loadtxt(beside, comments="#", ndmin=2)[:, 2:11]
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{beside.name}: expected step, time and nine numbers of the cell in each line."
        ) from error
    if len(rows) == 1:
        rows = np.repeat(rows, count, axis=0)
    if rows.shape != (count, 9):
        raise InputError(
            f"{name}: it has {count} steps and {beside.name} {len(rows)}: expected the same, or one."
        )
    return rows.reshape(count, 3, 3)
