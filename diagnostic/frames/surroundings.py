"""The neighbours of sampled environments, by the minimum image, and which of them an environment can point at.

A mark is a covalent bond, one between two non-metals that are nearer than 1.2 sums of covalent radii, to a neighbour that
chemistry tells from the others: its surroundings, read off the graph of such bonds, are unique among the bonded neighbours. In a
metal, an ionic crystal or silicon the nearest neighbours form a shell of equals, so there is no mark, and the density of
neighbours is what can be injected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase.data import covalent_radii
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .environments import Environments
from .frames import Frames
from .marks import BONDED, environments
from .neighbours import Neighbours, neighbours
from .structures import Part

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
#: Elements that form covalent bonds with one another.
NON_METALS = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 32, 33, 34, 35, 51, 52, 53)
#: Pairs between these multiples of the sum of radii may or may not be bonded: nothing that is bonded to one has a mark.
_UNSURE = (1.15, 1.3)


@dataclass(frozen=True)
class Surroundings:
    """What is around the atom of every row of one pool.

    Attributes
    ----------
    starts
        ``(rows + 1,)``: the pairs of row r are ``starts[r] : starts[r + 1]``, near ones first.
    vectors
        ``(pairs, 3)``: from the atom to each neighbour (Å).
    numbers
        ``(pairs,)``: atomic numbers of the neighbours.
    marks
        ``(rows, 3)``: from the atom to its marked neighbour (Å); NaN where there is none.
    """

    starts: Indices
    vectors: Array
    numbers: Indices
    marks: Array

    def __len__(self) -> int:
        return len(self.marks)

    @property
    def distances(self) -> Array:
        """Distances of all pairs (Å)."""
        return np.asarray(np.linalg.norm(self.vectors, axis=1))

    @property
    def rows(self) -> Indices:
        """The row of every pair."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def nearest(self) -> Array:
        """Return the distance of the nearest neighbour of every row (Å), infinite where there is none."""
        closest = np.full(len(self), np.inf)
        there = np.diff(self.starts) > 0
        closest[there] = self.distances[self.starts[:-1][there]]
        return closest

    @property
    def marked(self) -> NDArray[np.bool_]:
        """Which rows have a mark."""
        return np.asarray(np.isfinite(self.marks[:, 0]))

    def select(self, rows: NDArray[np.bool_]) -> Surroundings:
        """Return some of the rows."""
        pairs = rows[self.rows]
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Surroundings(starts, self.vectors[pairs], self.numbers[pairs], self.marks[rows])

    def cluster(self, row: int, central: int, cutoff: float) -> Frames:
        """Return one environment as a molecule: its atom at the origin, then neighbours within the cutoff, near ones first."""
        pairs = slice(int(self.starts[row]), int(self.starts[row + 1]))
        inside = self.distances[pairs] < cutoff
        positions = np.concatenate([np.zeros((1, 3)), self.vectors[pairs][inside]])[None]
        numbers = np.concatenate([[central], self.numbers[pairs][inside]])
        return Frames(numbers, positions, np.zeros_like(positions), None, "an environment", "", "")


def surroundings(
    parts: Sequence[Part], samples: Sequence[Environments], reach: float, *, marks: bool = True
) -> list[Surroundings]:
    """Find the neighbours of every sampled environment within ``reach`` (Å), structure by structure.

    Parameters
    ----------
    parts
        The structures that were sampled.
    marks
        Whether to look for marked neighbours.
    """
    wanted: dict[int, list[tuple[int, int, int]]] = {}
    for pool, sampled in enumerate(samples):
        for row, (structure, atom) in enumerate(zip(sampled.structures, sampled.atoms, strict=True)):
            wanted.setdefault(int(structure), []).append((pool, row, int(atom)))
    vectors: list[list[Array]] = [[np.empty((0, 3))] * len(sampled) for sampled in samples]
    numbers: list[list[Indices]] = [[np.empty(0, dtype=np.int64)] * len(sampled) for sampled in samples]
    marked = [np.full((len(sampled), 3), np.nan) for sampled in samples]
    known: dict[bytes, list[int | None]] = {}
    for part in parts:
        frames = part.frames
        for k, structure in enumerate(part.indices.tolist()):
            if structure not in wanted:
                continue
            cell = None if frames.cells is None else frames.cells[k]
            near = neighbours(frames.positions[k], reach, cell, frames.pbc)
            ends = np.searchsorted(near.first, np.arange(len(frames.numbers) + 1))
            pointed = structure_marks(frames.numbers, near, known) if marks else [None] * len(frames.numbers)
            for pool, row, atom in wanted[structure]:
                of_atom = slice(int(ends[atom]), int(ends[atom + 1]))
                order = np.argsort(near.distances[of_atom], kind="stable")
                vectors[pool][row] = near.vectors[of_atom][order]
                numbers[pool][row] = frames.numbers[near.second[of_atom][order]]
                pair = pointed[atom]
                if pair is not None:
                    marked[pool][row] = near.vectors[pair]
    return [
        Surroundings(
            np.concatenate([[0], np.cumsum([len(v) for v in vectors[pool]])]).astype(np.int64),
            np.concatenate([np.empty((0, 3)), *vectors[pool]]),
            np.concatenate([np.empty(0, dtype=np.int64), *numbers[pool]]),
            marked[pool],
        )
        for pool in range(len(samples))
    ]


def structure_marks(
    numbers: Indices, near: Neighbours, known: dict[bytes, list[int | None]] | None = None
) -> list[int | None]:
    """Return for every atom of one structure the pair that points at its marked neighbour, or None.

    The bonds are those of this structure. Heavy neighbours come before hydrogens, then those whose surroundings differ
    within the fewest bonds, then heavy elements; distances decide nothing, so that structures of one graph have the same marks.

    Parameters
    ----------
    near
        Pairs that reach at least as far as bonds do.
    known
        Remembers graphs that were met before.
    """
    covalent = np.isin(numbers, NON_METALS)
    both = np.flatnonzero(covalent[near.first] & covalent[near.second])
    ratios = near.distances[both] / (
        covalent_radii[numbers[near.first[both]]] + covalent_radii[numbers[near.second[both]]]
    )
    bonded = both[ratios < BONDED]
    unsure = both[(ratios > _UNSURE[0]) & (ratios < _UNSURE[1])]
    pairs = [np.empty(0, dtype=np.int64)] * len(numbers)
    ends = np.searchsorted(near.first[bonded], np.arange(len(numbers) + 1))
    for atom in range(len(numbers)):
        of_atom = bonded[ends[atom] : ends[atom + 1]]
        # images in an order that does not depend on distances
        pairs[atom] = of_atom[np.lexsort((*near.shifts[of_atom].T, near.second[of_atom]))]
    rows = [near.second[of_atom].tolist() for of_atom in pairs]
    key = b"|".join([numbers.tobytes(), *(np.array(row).tobytes() + b"," for row in rows)])
    known = {} if known is None else known
    if key not in known:
        known[key] = _choices(numbers, rows)
    doubtful = _beside(near, np.concatenate([bonded, unsure]), unsure, len(numbers))
    return [
        None if choice is None or atom in doubtful else int(pairs[atom][choice])
        for atom, choice in enumerate(known[key])
    ]


def _beside(near: Neighbours, joined: Indices, unsure: Indices, atoms: int) -> set[int]:
    """Return the atoms that bonds connect with a pair of which nobody can say whether it is bonded: their graph is in doubt."""
    if not len(unsure):
        return set()
    graph = coo_array((np.ones(len(joined)), (near.first[joined], near.second[joined])), shape=(atoms, atoms))
    component = connected_components(graph, directed=False)[1]
    return set(np.flatnonzero(np.isin(component, component[near.first[unsure]])).tolist())


def _choices(numbers: Indices, rows: list[list[int]]) -> list[int | None]:
    """Return for every atom which of its bonds is the mark."""
    if not any(rows):
        return [None] * len(rows)
    steps = environments(numbers, rows)
    chosen: list[int | None] = []
    for row in rows:
        best: tuple[bool, int, int, int, int] | None = None
        for k, other in enumerate(row):
            depth = next(
                (d for d, colours in enumerate(steps) if sum(colours[x] == colours[other] for x in row) == 1),
                None,
            )
            if depth is not None:
                candidate = (bool(numbers[other] == 1), depth, -int(numbers[other]), steps[-1][other], k)
                best = candidate if best is None else min(best, candidate)
        chosen.append(None if best is None else best[-1])
    return chosen


def without_copies_across(parts: Sequence[Part], part_of: Indices) -> set[int]:
    """Return the structures that are copies of one in an earlier part of the split."""
    from .copies import copy_groups

    by_composition: dict[bytes, list[tuple[int, Frames, int]]] = {}
    for part in parts:
        key = part.frames.numbers.tobytes() + bytes(part.frames.pbc)
        for k, structure in enumerate(part.indices.tolist()):
            by_composition.setdefault(key, []).append((structure, part.frames, k))
    lost: set[int] = set()
    for entries in by_composition.values():
        order = sorted(entries, key=lambda entry: (int(part_of[entry[0]]), entry[0]))
        positions = np.stack([frames.positions[k] for _, frames, k in order])
        first = copy_groups(order[0][1].numbers, positions)
        for (structure, _, _), original in zip(order, first.tolist(), strict=True):
            if part_of[order[original][0]] < part_of[structure]:
                lost.add(structure)
    return lost


def with_frames(part: Part, rows: slice) -> Part:
    """Return some structures of a part."""
    return replace(part, indices=part.indices[rows], frames=part.frames.select(rows))
