"""Structures of HDF5 files in the layouts that data sets have, each read when it is taken.

=====================  ===================================================================  ==========================
layout                 arrays of a group (or of the file itself)                            units
=====================  ===================================================================  ==========================
SPICE                  ``atomic_numbers``, ``conformations``, ``dft_total_gradient``,       bohr, hartree
                       ``dft_total_energy``; forces are minus the gradient
ANI-1x                 ``atomic_numbers``, ``coordinates``, ``wb97x_dz.forces``,            Å, hartree, hartree/Å
                       ``wb97x_dz.energy``
TorchANI               ``species``, ``coordinates``, ``forces``, ``energies``               Å, hartree, hartree/Å
rMD17, sGDML, ours     as in npz files                                                      as in npz files
=====================  ===================================================================  ==========================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers
from numpy.typing import NDArray

from ...theory.errors import InputError
from .images import Images, Table
from .units import EV_AND_ANGSTROM, Units


@dataclass(frozen=True)
class _Layout:
    """Names of numbers, positions, forces and energies; ``sign`` is -1 for gradients; units None: not fixed."""

    name: str
    numbers: str
    positions: str
    forces: str
    energies: str
    units: Units | None
    sign: float = 1.0


_HARTREE = Units("hartree")
_LAYOUTS = (
    _Layout(
        "SPICE",
        "atomic_numbers",
        "conformations",
        "dft_total_gradient",
        "dft_total_energy",
        Units("hartree", "bohr"),
        -1.0,
    ),
    _Layout("ANI-1x", "atomic_numbers", "coordinates", "wb97x_dz.forces", "wb97x_dz.energy", _HARTREE),
    _Layout("TorchANI", "species", "coordinates", "forces", "energies", _HARTREE),
    _Layout("rMD17", "nuclear_charges", "coords", "forces", "energies", Units("kcal/mol")),
    _Layout("sGDML", "z", "R", "F", "E", None),
    _Layout("this package", "numbers", "positions", "forces", "energies", EV_AND_ANGSTROM),
)
#: Arrays that are looked at in words of a refusal.
_SHOWN = 12


class Hdf5Images:
    """Structures of an HDF5 file; ``units`` are those of its layout, None where it does not fix them.

    Raises
    ------
    InputError
        The file is damaged or of no known layout, or h5py is not installed.
    """

    def __init__(self, path: Path, name: str) -> None:
        try:
            import h5py
        except ImportError as error:
            raise InputError(
                f"{name}: HDF5 files need h5py, which is not installed: pip install 'spectral-ceilings[hdf5]'."
            ) from error
        self.name, self.notes = name, list[str]()
        try:
            self._file = h5py.File(path, "r")
            self._groups = list(_groups(self._file, h5py))
        except OSError as error:
            raise InputError(
                f"{name}: it is damaged or no HDF5 file ({' '.join(str(error).split())[:100]}): copy or write it again."
            ) from error
        if not self._groups:
            raise self._unknown(h5py)
        layout = self._groups[0][1]
        if any(other != layout for _, other in self._groups):
            raise InputError(f"{name}: its groups are of several layouts: expected one, so split the file.")
        self.layout, self.units = layout.name, layout.units
        self._layout = layout
        self.table = self._table()

    def _unknown(self, h5py: Any) -> InputError:
        keys: list[str] = []
        self._file.visititems(lambda key, item: keys.append(key) if isinstance(item, h5py.Dataset) else None)
        shown = ", ".join(keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")
        known = "; ".join(
            f"{layout.name}: {layout.numbers}, {layout.positions}, {layout.forces}, {layout.energies}"
            for layout in _LAYOUTS
        )
        return InputError(f"{self.name}: it has the arrays {shown or '(none)'}: expected those of {known}.")

    def _table(self) -> Table:
        compositions: dict[bytes, int] = {}
        numbers: list[NDArray[np.int64]] = []
        which, energies = [], []
        self._starts = [0]
        for group, layout in self._groups:
            z = _numbers(group[layout.numbers][()], f"{self.name}: {group.name}")
            shape, forces = group[layout.positions].shape, group[layout.forces].shape
            if len(shape) != 3 or shape[1:] != (len(z), 3) or forces != shape:
                raise InputError(
                    f"{self.name}: in {group.name} {layout.positions} have shape {shape} and {layout.forces} {forces}: expected "
                    f"(structures, {len(z)}, 3) of both."
                )
            k = compositions.setdefault(z.tobytes(), len(numbers))
            if k == len(numbers):
                numbers.append(z)
            which.append(np.full(shape[0], k))
            energies.append(np.full(shape[0], layout.energies in group))
            self._starts.append(self._starts[-1] + shape[0])
        count = self._starts[-1]
        if count == 0:
            raise InputError(f"{self.name}: it holds no structures: expected at least one.")
        kinds = [(frozenset({"forces"}), frozenset()), (frozenset({"forces"}), frozenset({"energy"}))]
        return Table(
            numbers, np.concatenate(which), np.zeros((count, 3, 3)), np.zeros((count, 3), dtype=bool),
            kinds, np.concatenate(energies).astype(np.int64), self._suspect(count),
        )  # fmt: skip

    def _suspect(self, count: int) -> NDArray[np.bool_]:
        """Which structures have numbers that are not finite, a group at a time."""
        odd = np.zeros(count, dtype=bool)
        for k, (group, layout) in enumerate(self._groups):
            rows = slice(self._starts[k], self._starts[k + 1])
            for key in (layout.positions, layout.forces):
                odd[rows] |= ~np.isfinite(group[key][()]).all(axis=(1, 2))
        return odd

    def _place(self, index: int) -> tuple[Any, _Layout, int]:
        k = int(np.searchsorted(self._starts, index, side="right")) - 1
        return *self._groups[k], index - self._starts[k]

    def image(self, index: int) -> Atoms:
        """Return one structure, in the units of the file."""
        group, layout, row = self._place(index)
        numbers = self.table.compositions[int(self.table.which[index])]
        atoms = Atoms(numbers=numbers, positions=np.asarray(group[layout.positions][row], dtype=float))
        results: dict[str, Any] = {"forces": layout.sign * np.asarray(group[layout.forces][row], dtype=float)}
        if layout.energies in group:
            results["energy"] = float(np.reshape(group[layout.energies][row], -1)[0])
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
        return atoms

    def said(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        """Return the energy of one structure, where it is asked for."""
        group, layout, row = self._place(index)
        if "energy" not in names or layout.energies not in group:
            return {}
        return {"energy": float(np.reshape(group[layout.energies][row], -1)[0])}


def _groups(file: Any, h5py: Any) -> Iterator[tuple[Any, _Layout]]:
    """Groups that hold the arrays of a layout, in the order of the file."""
    groups = [file]
    file.visititems(lambda key, item: groups.append(item) if isinstance(item, h5py.Group) else None)
    for group in groups:
        for layout in _LAYOUTS:
            if {layout.numbers, layout.positions, layout.forces} <= set(group.keys()):
                yield group, layout
                break


def _numbers(values: Any, place: str) -> NDArray[np.int64]:
    """Atomic numbers, from numbers or symbols."""
    flat = np.asarray(values).reshape(-1)
    if flat.dtype.kind in "SO":
        symbols = [each.decode() if isinstance(each, bytes) else str(each) for each in flat]
        bad = [symbol for symbol in symbols if symbol not in atomic_numbers]
        if bad:
            raise InputError(f"{place}: {bad[0]!r} is no element: expected symbols or atomic numbers.")
        return np.array([atomic_numbers[symbol] for symbol in symbols], dtype=np.int64)
    if flat.dtype.kind not in "iuf":
        raise InputError(f"{place}: its atomic numbers are {flat.dtype} values: expected whole numbers.")
    return np.asarray(np.rint(flat), dtype=np.int64)


def hdf5_images(path: Path, name: str) -> tuple[Images, Units | None, str]:
    """Open an HDF5 file; return its structures, the units of its layout, and why."""
    images = Hdf5Images(path, name)
    return images, images.units, f"as in every file of {images.layout}"
