"""Structures of a file, read a few at a time: which of them can be used, their groups, and Frames of those that are taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .frames import Frames, flat_cell
from .images import Images, Table
from .isolated import lone, unboxed
from .keys import Keys, Labels, labels_of
from .splits import BLOCK
from .structure_copies import first_copies
from .structures import Part
from .units import Units

#: Why structures are left out, in the words of the notes, in the order in which they are looked for.
ISOLATED, WITHOUT_FORCES, FLAT, NOT_FINITE, COPY = (
    "isolated atoms",
    "structures without forces",
    "structures whose periodic cell is flat or too small",
    "structures with numbers that are not finite",
    "copies of others",
)


@dataclass(frozen=True, eq=False)
class FileStructures:
    """Structures of a file; see :class:`Structures`. What is not taken is not kept.

    Attributes
    ----------
    images
        Where they come from.
    keys
        Names of the labels.
    read_as : Units
        The units that the numbers of the source were taken to be in.
    places : (N,) int array
        Place of each structure in its file, which counts those that are left out too.
    left_out : mapping
        Places in the file of the structures that are left out, by reason.
    checks : mapping
        What each check measured, in words.
    isolated : bool
        Whether cells are dropped.
    """

    images: Images
    keys: Keys
    read_as: Units
    places: NDArray[np.int64]
    left_out: Mapping[str, NDArray[np.int64]]
    source: str
    sha256: str
    units: str
    notes: tuple[str, ...]
    groups: NDArray[np.int64]
    checks: Mapping[str, str]
    isolated: bool = False

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.places)

    @property
    def table(self) -> Table:
        """What the source says of every structure, those left out too."""
        return self.images.table

    @property
    def names(self) -> frozenset[str]:
        """Names that ``info`` knows of any structure."""
        return frozenset({*self.table.names(of_atoms=False), *({"energy"} if self.keys.energy else set())})

    @property
    def overruled(self) -> dict[str, str]:
        """What the checks of units said that the caller overruled, by check."""
        start = "overruled: "
        return {
            name: said.removeprefix(start) for name, said in self.checks.items() if said.startswith(start)
        }

    def _place(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise InputError(f"{self.source}: structure {index} was asked for: it has 0 to {len(self) - 1}.")
        return int(self.places[index])

    def numbers(self, index: int) -> NDArray[np.int64]:
        """Return the atomic numbers of one structure."""
        return self.table.compositions[int(self.table.which[self._place(index)])]

    def periodic(self, index: int) -> bool:
        """Return whether any direction of one structure is periodic."""
        return not self.isolated and bool(self.table.pbc[self._place(index)].any())

    def info(self, index: int, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Return what the file says of one structure under these names; all that it says where none is given.

        ``energy`` is in eV, under whatever name the file keeps it.
        """
        place = self._place(index)
        wanted = self.table.names(of_atoms=False) if names is None else list(names)
        return said_of(self.images, place, wanted, self.keys, self.read_as)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> list[Part]:
        """Return the structures at these places, joined where composition, atom order and periodicity agree.

        Raises
        ------
        InputError
            An index is outside the sequence, or a structure cannot be read.
        """
        return list(self._parts(np.asarray(indices, dtype=np.int64)))

    def _parts(self, indices: NDArray[np.int64]) -> Iterable[Part]:
        members: dict[tuple[int, tuple[bool, ...]], list[int]] = {}
        for index in indices.tolist():
            place = self._place(index)
            flags = (False,) * 3 if self.isolated else tuple(self.table.pbc[place].tolist())
            members.setdefault((int(self.table.which[place]), flags), []).append(index)
        for (which, flags), chosen in members.items():
            yield Part(np.array(chosen, dtype=np.int64), self._frames(which, flags, chosen))

    def _frames(self, which: int, flags: tuple[bool, ...], chosen: list[int]) -> Frames:
        numbers = self.table.compositions[which]
        count = len(chosen)
        positions = np.empty((count, len(numbers), 3))
        cells = np.zeros((count, 3, 3))
        forces = np.full((count, len(numbers), 3), np.nan)
        energies, stress = np.full(count, np.nan), np.full((count, 6), np.nan)
        for row, index in enumerate(chosen):
            place = int(self.places[index])
            image = self.images.image(place)
            if not np.array_equal(image.numbers, numbers):
                raise InputError(f"{self.source}: structure {place} has changed since the file was opened.")
            positions[row], cells[row] = image.positions, image.cell.array
            labels = self._labels(image, place)
            forces[row] = np.nan if labels.forces is None else labels.forces
            energies[row] = np.nan if labels.energy is None else labels.energy
            stress[row] = np.nan if labels.stress is None else labels.stress
        units = self.read_as
        positions *= units.length_factor
        cells *= units.length_factor
        if self.isolated:
            for row, index in enumerate(chosen):
                place = int(self.places[index])
                pbc = tuple(self.table.pbc[place].tolist())
                if any(pbc):
                    where = f"{self.source}: structure {place}"
                    positions[row] = unboxed(positions[row], cells[row], pbc, where)
        periodic = any(flags)
        return Frames(
            numbers=numbers,
            positions=positions,
            forces=forces * units.force_factor,
            energies=None if np.isnan(energies).all() else energies * units.energy_factor,
            source=self.source,
            sha256=self.sha256,
            units=self.units,
            read_as=units,
            notes=self.notes,
            cells=cells if periodic else None,
            pbc=(flags[0], flags[1], flags[2]),
            stress=stress * (units.energy_factor / units.length_factor**3)
            if periodic and not np.isnan(stress).all()
            else None,
        )

    def _labels(self, image: Any, place: int) -> Labels:
        return labels_of(image, self.keys, f"{self.source}: structure {place}")

    def only(self, indices: Sequence[int] | NDArray[np.int64]) -> FileStructures:
        """Return these structures as structures of their own, with their groups."""
        chosen = np.asarray(indices, dtype=np.int64)
        if len(chosen) == 0:
            raise InputError(f"{self.source}: no structures were selected: expected at least one.")
        return replace(self, places=self.places[chosen], groups=self.groups[chosen])


def said_of(images: Images, place: int, names: Iterable[str], keys: Keys, units: Units) -> dict[str, Any]:
    """Return what a source says of one structure; ``energy`` in eV."""
    wanted = set(names)
    more = {keys.energy} - {None} if "energy" in wanted else set()
    said = images.said(place, sorted(wanted | {name for name in more if name is not None}))
    if "energy" in wanted and keys.energy is not None and keys.energy in said:
        value = np.asarray(said[keys.energy])
        if value.dtype.kind in "fiu" and value.size == 1:
            said["energy"] = float(value.reshape(-1)[0]) * units.energy_factor
    return {name: value for name, value in said.items() if name in wanted}


# -------------------------------------------------------------------------------------------- what can be used


def unusable(images: Images, keys: Keys, units: Units, name: str) -> dict[str, NDArray[np.int64]]:
    """Return the places of structures that no diagnosis can use, by reason; each is there once."""
    table = images.table
    left = np.ones(len(table), dtype=bool)
    reasons: dict[str, NDArray[np.int64]] = {}

    def leave(reason: str, bad: NDArray[np.bool_]) -> None:
        bad = bad & left
        if bad.any():
            reasons[reason] = np.flatnonzero(bad)
            left[bad] = False

    periodic = table.periodic
    single = table.counts == 1
    for place in np.flatnonzero(single & periodic).tolist():
        cell = table.cells[place] * units.length_factor
        flat = flat_cell(cell[None], tuple(table.pbc[place].tolist())) is not None
        single[place] = flat or lone(cell, table.pbc[place])
    leave(ISOLATED, single)
    leave(WITHOUT_FORCES, ~table.having(keys.forces or "", of_atoms=True))
    leave(FLAT, flat_cells(table) | small_cells(table, units.length_factor))
    odd = np.zeros(len(table), dtype=bool)
    for place in np.flatnonzero(table.suspect & left).tolist():
        image = images.image(place)
        labels = labels_of(image, keys, f"{name}: structure {place}")
        held = [image.positions, labels.forces, image.cell.array if image.pbc.any() else None]
        odd[place] = not all(values is None or np.isfinite(values).all() for values in held)
    leave(NOT_FINITE, odd)
    return reasons


def flat_cells(table: Table) -> NDArray[np.bool_]:
    """Return for each structure whether its periodic cell vectors are zero, in one plane, or not finite."""
    flat: NDArray[np.bool_] = np.asarray(~np.isfinite(table.cells).all(axis=(1, 2)) & table.periodic)
    for flags in {tuple(flags) for flags in table.pbc.tolist()}:
        rows = np.flatnonzero((table.pbc == flags).all(axis=1) & ~flat)
        left = rows
        while len(left) and any(flags):
            bad = flat_cell(table.cells[left], (flags[0], flags[1], flags[2]))
            if bad is None:
                break
            flat[left[bad]] = True
            left = left[bad + 1 :]
    return flat


def small_cells(table: Table, length: float) -> NDArray[np.bool_]:
    """Return for each structure whether its atoms cannot have the room that they have; ``length`` is the unit of the file (Å).

    Matter at a million atmospheres has some 5 Å³ for each atom; less than 0.027 Å³, or images within 0.3 Å along one or two
    periodic directions, is a wrong unit or a wrong cell, and its neighbours within a cutoff would be too many to list.
    """
    small = np.zeros(len(table), dtype=bool)
    for flags in {tuple(flags) for flags in table.pbc.tolist()}:
        if not any(flags):
            continue
        rows = np.flatnonzero((table.pbc == flags).all(axis=1) & np.isfinite(table.cells).all(axis=(1, 2)))
        vectors = table.cells[rows][:, np.asarray(flags)] * length
        with np.errstate(all="ignore"):  # LAPACK may divide by zero in cells that are flat
            room = np.sqrt(np.maximum(np.linalg.det(vectors @ vectors.transpose(0, 2, 1)), 0.0))
            if all(flags):
                room = room / table.counts[rows]
        small[rows] = room < 0.3 ** sum(flags)
    return small


def copies(images: Images, keys: Keys, usable: NDArray[np.bool_]) -> tuple[NDArray[np.int64], bool]:
    """Return for each usable structure the first that it is a copy of; and whether every candidate was looked at."""
    table = images.table
    energies = None
    if keys.energy is not None and len(table) > 1:
        energies = np.full(len(table), np.nan)
        has = table.having(keys.energy, of_atoms=False)
        for place in np.flatnonzero(has & usable).tolist():
            value = np.asarray(images.said(place, [keys.energy]).get(keys.energy))
            if value.dtype.kind in "fiu" and value.size == 1:
                energies[place] = float(value.reshape(-1)[0])
        if (energies == 0).all():
            energies = None
    return first_copies(table, energies, lambda place: images.image(place).positions, usable)


def groups_of(images: Images, places: NDArray[np.int64], key: str | None, name: str) -> NDArray[np.int64]:
    """Return the group of each structure: what stands under ``key``, else blocks of neighbours in time.

    Consecutive structures of one composition, atom order and periodicity are taken for neighbours in time and dealt to blocks of
    at most ten, and of a twentieth of all structures that hold its rarest element: few of one kind can then be split, too.

    Raises
    ------
    InputError
        No structure has the key.
    """
    table = images.table
    if key is not None:
        known = table.names(of_atoms=False)
        if key not in known:
            raise InputError(
                f"{name}: group_key={key!r} is not in it: expected a name that its structures have, of which it has "
                f"{', '.join(known) or 'none'}."
            )
        texts = [str(images.said(int(place), [key]).get(key, f"\0{place}")) for place in places]
        return np.unique(texts, return_inverse=True)[1].reshape(-1).astype(np.int64)
    alike = (np.diff(table.which[places]) == 0) & (table.pbc[places[1:]] == table.pbc[places[:-1]]).all(
        axis=1
    )
    elements = [np.unique(numbers) for numbers in table.compositions]
    holding = np.zeros(1 + max(int(of_one.max()) for of_one in elements), dtype=np.int64)
    for which, many in zip(*np.unique(table.which[places], return_counts=True), strict=True):
        holding[elements[which]] += many
    groups, count = np.empty(len(places), dtype=np.int64), 0
    for run in np.split(np.arange(len(places)), np.flatnonzero(~alike) + 1):
        size = int(np.clip(holding[elements[table.which[places[run[0]]]]].min() // 20, 1, BLOCK))
        for block in np.array_split(run, max(1, len(run) // size)):
            groups[block] = count
            count += 1
    return groups
