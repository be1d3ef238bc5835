"""What a model is trained on: frames of one molecule, or structures of any kind; its split and its statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from ase.data import chemical_symbols
from ase.geometry import complete_cell
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.environments import deal, members_of, units_of
from ..frames.frames import Frames
from ..frames.neighbours import neighbours_of
from ..frames.splits import Split, split_frames
from ..frames.structure_checks import refuse_overlaps
from ..frames.structures import Part, Structures, StructuresInMemory

Item = TypeVar("Item")
#: Length (Å) of cell vectors where none is periodic: a molecule's volume is then finite, and its stress close to zero.
_EMPTY_SPACE = 1000.0
#: Fewest structures that can be dealt to three parts.
_FEWEST = 10


def split_of(data: Frames | Structures, seed: int, *, with_held_out: bool = True) -> Split:
    """Return the split of a training: blocks of consecutive frames of a molecule, structures and groups of others.

    Structures of one group and neighbours in the file stay together, and every element has its share in every part.

    Raises
    ------
    InputError
        There are too few frames or structures.
    """
    if isinstance(data, Frames) and not data.periodic:
        return split_frames(len(data), seed, with_held_out=with_held_out)
    structures = StructuresInMemory.of(data) if isinstance(data, Frames) else data
    pools = members_of(structures)
    units = units_of(structures.groups, pools)
    if len(np.unique(units)) < _FEWEST:
        raise InputError(
            f"{data.source} holds {len(np.unique(units))} structures or groups of them, expected at least {_FEWEST} to split; "
            "give more"
        )
    parts = deal(units, pools, seed, with_held_out=with_held_out)
    return Split(*(np.flatnonzero(parts == k) for k in range(3)))


@dataclass(frozen=True)
class TrainingData:
    """Structures in memory, by composition, in the order of their source.

    Attributes
    ----------
    parts
        Structures of one composition each, with their places.
    source, sha256
        Of the file.
    molecule
        Whether these are frames of one molecule, without cells.
    """

    parts: tuple[Part, ...]
    source: str
    sha256: str
    molecule: bool

    @classmethod
    def of(cls, data: Frames | Structures, *, held_out: bool = False) -> TrainingData:
        """Take frames or structures up.

        Raises
        ------
        InputError
            Energies or forces are missing where they are trained on; held-out structures need forces alone.
        """
        every = np.arange(len(data))
        parts = [Part(every, data)] if isinstance(data, Frames) else data.take(every)
        molecule = isinstance(data, Frames) and not data.periodic
        for part in parts:
            _check_labels(part, data.source, held_out)
            if not isinstance(data, Frames):  # those are checked where they are read
                refuse_overlaps(part, data)
        return cls(tuple(parts), data.source, data.sha256, molecule)

    def __len__(self) -> int:
        return sum(len(part.frames) for part in self.parts)

    def chosen(self, indices: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], Frames]]:
        """Return the structures at ascending ``indices``, by composition, with their places among them."""
        taken = []
        for part in self.parts:
            held = np.isin(part.indices, indices)
            if held.any():
                taken.append((np.searchsorted(indices, part.indices[held]), part.frames.select(held)))
        return taken

    def made(self, indices: NDArray[np.int64], make: Callable[[Frames], Sequence[Item]]) -> list[Item]:
        """Return what ``make`` gives for each structure, in the order of the ascending ``indices``."""
        made: dict[int, Item] = {}
        for places, frames in self.chosen(indices):
            made.update(zip(places.tolist(), make(frames), strict=True))
        return [made[k] for k in range(len(indices))]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Elements, by ascending atomic number."""
        numbers = {int(z) for part in self.parts for z in part.frames.numbers}
        return tuple(chemical_symbols[z] for z in sorted(numbers))

    @property
    def periodic(self) -> bool:
        """Whether any structure is."""
        return any(part.frames.periodic for part in self.parts)

    @property
    def has_stress(self) -> bool:
        """Whether every structure that is periodic in all directions has its stress, and there is one."""
        whole = [part.frames for part in self.parts if all(part.frames.pbc)]
        return bool(whole) and all(_stress_known(frames) for frames in whole)

    def described(self) -> dict[str, Any]:
        """Return what a record says of the data beside source, hash and number: the formula, or the compositions."""
        if self.molecule:
            return {"formula": self.parts[0].frames.formula}
        counts: Counter[str] = Counter()
        for part in self.parts:
            counts[part.frames.formula] += len(part.frames)
        return {"compositions": dict(counts), "periodic": self.periodic}


def _stress_known(frames: Frames) -> bool:
    return frames.stress is not None and bool(np.isfinite(frames.stress).all())


def _check_labels(part: Part, source: str, held_out: bool) -> None:
    frames = part.frames
    lacking = ~np.isfinite(frames.forces).all(axis=(1, 2))
    if lacking.any():
        raise InputError(
            f"structure {int(part.indices[lacking][0])} of {source} has no forces, expected energies and forces of all"
        )
    if held_out:
        return
    if frames.energies is None:
        raise InputError(f"{source} has no energies, expected energies and forces; give frames with both")
    lacking = ~np.isfinite(frames.energies)
    if lacking.any():
        raise InputError(
            f"structure {int(part.indices[lacking][0])} of {source} has no energy, expected energies and forces of all"
        )


def statistics(data: TrainingData, training: NDArray[np.int64], r_max: float) -> dict[str, Any]:
    """Return what a model's builder takes from the training structures.

    Keys: ``avg_num_neighbors`` within ``r_max`` (Å), ``energy_scale`` (force RMS, eV/Å), ``energy_shift`` (mean energy per atom,
    eV), and, of several compositions, ``energy_shifts``: energies per element, of ``data.symbols``, by least squares on the
    compositions (the smallest ones, where compositions leave some open).
    """
    if data.molecule:
        return _of_molecule(data.parts[0].frames.select(training), r_max)
    chosen = [frames for _, frames in data.chosen(training)]
    pairs = sum(sum(len(listed.first) for listed in neighbours_of(frames, r_max)) for frames in chosen)
    atoms = sum(frames.positions.shape[0] * frames.positions.shape[1] for frames in chosen)
    if pairs == 0:
        raise InputError(f"no atom has a neighbour within r_max = {r_max} Å; give a larger cutoff")
    forces = np.concatenate([frames.forces.ravel() for frames in chosen])
    energies = np.concatenate([frames.energies for frames in chosen if frames.energies is not None])
    taken: dict[str, Any] = {
        "avg_num_neighbors": pairs / atoms,
        "energy_scale": float(np.sqrt(np.mean(forces**2))) or 1.0,
        "energy_shift": float(energies.sum() / atoms),
    }
    rows = [[frames.symbols.count(symbol) for symbol in data.symbols] for frames in chosen]
    if len({tuple(row) for row in rows}) > 1:
        counts = np.repeat(np.array(rows, dtype=np.float64), [len(frames) for frames in chosen], axis=0)
        # per atom, so that a large structure does not outweigh many small ones
        sizes = counts.sum(axis=1, keepdims=True)
        shifts, *_ = np.linalg.lstsq(counts / sizes, energies / sizes[:, 0], rcond=1e-8)
        taken["energy_shifts"] = tuple(float(shift) for shift in shifts)
    return taken


def _of_molecule(training: Frames, r_max: float) -> dict[str, Any]:
    distances = np.linalg.norm(training.positions[:, :, None] - training.positions[:, None], axis=-1)
    neighbours = float((distances < r_max).sum(axis=2).mean() - 1.0)
    if neighbours <= 0.0:
        raise InputError(f"no atom has a neighbour within r_max = {r_max} Å; give a larger cutoff")
    assert training.energies is not None
    return {
        "avg_num_neighbors": neighbours,
        "energy_scale": float(np.sqrt(np.mean(training.forces**2))),
        "energy_shift": float(training.energies.mean() / len(training.numbers)),
    }


def with_space(frames: Frames) -> Frames:
    """Return frames that all have cells of a finite volume: long vectors in directions that are not periodic.

    Models divide by the volume, also where the stress of a molecule in a mixed batch counts for nothing.
    """
    pbc = np.asarray(frames.pbc)
    given = np.zeros((len(frames), 3, 3)) if frames.cells is None else frames.cells
    kept = np.where(pbc[:, None], given, 0.0)
    completed = np.array([complete_cell(cell) for cell in kept])  # type: ignore[no-untyped-call]
    return replace(frames, cells=np.where(pbc[:, None], kept, _EMPTY_SPACE * completed))
