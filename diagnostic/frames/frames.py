"""Frames: configurations of one molecule or one periodic cell of atoms with their forces, in Å, eV and eV/Å."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from .units import EV_AND_ANGSTROM, Units


@dataclass(frozen=True, eq=False)
class Frames:
    """Configurations of the same atoms: one composition, one atom order, the same periodic directions.

    Attributes
    ----------
    numbers : (A,) int array
        Atomic numbers.
    positions : (N, A, 3) float array
        Positions (Å).
    forces : (N, A, 3) float array
        Forces (eV/Å).
    energies : (N,) float array or None
        Energies (eV), if the source has them.
    source : str
        File name or registry name, never a path.
    sha256 : str
        SHA-256 of the source's bytes.
    units : str
        What was recognised or declared, in words.
    read_as : Units
        The units that the numbers of the source were taken to be in.
    checks : mapping
        What each check measured, in words; empty where none was made.
    left_out : int
        Frames of the source that are copies of others and were left out.
    notes : tuple of str
        What else was decided about the source, one sentence each.
    cells : (N, 3, 3) float array or None
        Cell vectors of each frame as rows (Å); None where nothing is periodic.
    pbc : three bools
        Which directions are periodic.
    stress : (N, 6) float array or None
        Stress (eV/Å³) in Voigt order xx, yy, zz, yz, xz, xy and with ASE's sign, if the source has it.

    Raises
    ------
    InputError
        If the shapes do not belong together or an atomic number is no element.
    """

    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    forces: NDArray[np.float64]
    energies: NDArray[np.float64] | None
    source: str
    sha256: str
    units: str
    read_as: Units = EV_AND_ANGSTROM
    checks: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    notes: tuple[str, ...] = ()
    cells: NDArray[np.float64] | None = None
    pbc: tuple[bool, bool, bool] = (False, False, False)
    stress: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.numbers.ndim != 1 or len(self.numbers) == 0:
            raise InputError(
                f"{self.source}: atomic numbers have shape {self.numbers.shape}: "
                "expected (atoms,), not empty; give one composition for the whole file."
            )
        bad = (self.numbers < 1) | (self.numbers >= len(chemical_symbols))
        if bad.any():
            raise InputError(
                f"{self.source}: {int(self.numbers[bad][0])} is no atomic number: expected 1 to "
                f"{len(chemical_symbols) - 1}, so check the array of atomic numbers."
            )
        shape = self.positions.shape
        if len(shape) != 3 or shape[1:] != (len(self.numbers), 3):
            raise InputError(
                f"{self.source}: positions have shape {shape}: expected (frames, {len(self.numbers)}, 3) "
                f"for {len(self.numbers)} atoms, so check the order of the axes."
            )
        if shape[0] == 0:
            raise InputError(f"{self.source}: it holds no frames: expected at least one.")
        if self.forces.shape != shape:
            raise InputError(
                f"{self.source}: forces have shape {self.forces.shape}: "
                f"expected {shape} as the positions have, so check the order of the axes."
            )
        if self.energies is not None and self.energies.shape != shape[:1]:
            raise InputError(
                f"{self.source}: energies have shape {self.energies.shape}: "
                f"expected {shape[:1]}, one per frame."
            )
        self._check_cells()

    def _check_cells(self) -> None:
        count = len(self.positions)
        object.__setattr__(self, "pbc", tuple(bool(direction) for direction in self.pbc))
        if len(self.pbc) != 3:
            raise InputError(f"{self.source}: pbc is {self.pbc}: expected three, one per cell vector.")
        if self.cells is None and any(self.pbc):
            raise InputError(f"{self.source}: it is periodic and has no cells: expected (frames, 3, 3).")
        if self.cells is not None:
            if self.cells.shape != (count, 3, 3):
                raise InputError(
                    f"{self.source}: cells have shape {self.cells.shape}: expected {(count, 3, 3)}, one per frame."
                )
            flat = flat_cell(self.cells, self.pbc)
            if flat is not None:
                raise InputError(
                    f"{self.source}: the periodic cell vectors of frame {flat} are zero or lie in one plane: expected "
                    "independent ones, so check the cell."
                )
        if self.stress is not None and self.stress.shape != (count, 6):
            raise InputError(
                f"{self.source}: stress has shape {self.stress.shape}: expected {(count, 6)}, xx yy zz yz xz xy."
            )

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def overruled(self) -> dict[str, str]:
        """What the checks of units said that the caller overruled, by check."""
        start = "overruled: "
        return {
            name: said.removeprefix(start) for name, said in self.checks.items() if said.startswith(start)
        }

    @property
    def symbols(self) -> tuple[str, ...]:
        """Chemical symbols in atom order."""
        return tuple(chemical_symbols[number] for number in self.numbers)

    @property
    def formula(self) -> str:
        """Formula in Hill order, for example ``C9H8O4``."""
        atoms: Any = Atoms(numbers=self.numbers)
        return str(atoms.get_chemical_formula(mode="hill"))

    def select(self, indices: Sequence[int] | NDArray[np.integer] | NDArray[np.bool_] | slice) -> Frames:
        """Return the frames at ``indices``, in that order, from the same source.

        Raises
        ------
        InputError
            If an index is outside the frames or none is left.
        """
        chosen = indices if isinstance(indices, slice) else np.asarray(indices)
        if isinstance(chosen, np.ndarray) and chosen.size == 0:
            raise InputError(f"{self.source}: no frames were selected: expected at least one index.")
        try:
            return replace(
                self,
                positions=self.positions[chosen],
                forces=self.forces[chosen],
                energies=None if self.energies is None else self.energies[chosen],
                cells=None if self.cells is None else self.cells[chosen],
                stress=None if self.stress is None else self.stress[chosen],
            )
        except IndexError as error:
            raise InputError(
                f"{self.source}: frames were selected that it does not hold ({error}): it has {len(self)}."
            ) from error

    @property
    def periodic(self) -> bool:
        """Whether any direction is periodic."""
        return any(self.pbc)

    def to_ase(self) -> list[Atoms]:
        """Return one ASE Atoms per frame, with its cell; forces, energy and stress in a SinglePointCalculator."""
        calculator: Any = SinglePointCalculator
        images = []
        for index in range(len(self)):
            cell = None if self.cells is None else self.cells[index]
            atoms = Atoms(numbers=self.numbers, positions=self.positions[index], cell=cell, pbc=self.pbc)
            results: dict[str, Any] = {"forces": self.forces[index]}
            if self.energies is not None:
                results["energy"] = float(self.energies[index])
            if self.stress is not None:
                results["stress"] = self.stress[index]
            atoms.calc = calculator(atoms, **results)
            images.append(atoms)
        return images


def flat_cell(cells: NDArray[np.float64], pbc: tuple[bool, bool, bool]) -> int | None:
    """Return the first frame whose periodic cell vectors span too little, None where all are independent.

    Vectors a, b, c are independent where the volume of the unit vectors along them is above 1e-6: flatter cells lose more
    than half of float64's digits in fractional coordinates.
    """
    if not any(pbc):
        return None
    vectors = cells[:, np.asarray(pbc)]
    lengths = np.linalg.norm(vectors, axis=2, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-6)
    volume = np.sqrt(np.maximum(np.linalg.det(unit @ unit.transpose(0, 2, 1)), 0.0))
    flat = np.flatnonzero(~(volume > 1e-6))
    return int(flat[0]) if len(flat) else None


def said_while_reading(frames: Frames, held_out: Frames | None = None) -> dict[str, Any]:
    """Return what reading decided and measured, JSON-ready, for the section ``data`` of a result.

    Keys: ``checks`` (what each check measured), ``overruled`` (what the checks of units said that the caller overruled),
    ``copies_left_out`` and ``notes``; ``held_out_file`` holds the same of held-out frames from a file of their own.
    """
    said: dict[str, Any] = {
        "checks": dict(frames.checks),
        "overruled": frames.overruled,
        "copies_left_out": frames.left_out,
        "notes": list(frames.notes),
    }
    if held_out is not None:
        said["held_out_file"] = {"source": held_out.source, **said_while_reading(held_out)}
    return said
