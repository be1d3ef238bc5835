"""Frames: configurations of one molecule with their forces, in Å, eV and eV/Å."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError


@dataclass(frozen=True, eq=False)
class Frames:
    """Configurations of one molecule: one composition, one atom order.

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

    def __len__(self) -> int:
        return len(self.positions)

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
            )
        except IndexError as error:
            raise InputError(
                f"{self.source}: frames were selected that it does not hold ({error}): it has {len(self)}."
            ) from error

    def to_ase(self) -> list[Atoms]:
        """Return one ASE Atoms per frame, forces and energy in a SinglePointCalculator."""
        calculator: Any = SinglePointCalculator
        images = []
        for index in range(len(self)):
            atoms = Atoms(numbers=self.numbers, positions=self.positions[index])
            energy = {} if self.energies is None else {"energy": float(self.energies[index])}
            atoms.calc = calculator(atoms, forces=self.forces[index], **energy)
            images.append(atoms)
        return images
