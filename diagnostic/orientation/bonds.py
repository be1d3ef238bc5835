"""Bonds, molecules as connected atoms, and like molecules matched atom by atom."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]
#: Two atoms are bonded up to this multiple of the sum of their covalent radii. O-H: 1.21 Å, which thermal stretching does not
#: reach; hydrogen bonds (1.5 Å and more) stay outside.
BOND_FACTOR = 1.25


@dataclass(frozen=True)
class Graph:
    """The bonds of a molecule whose atoms are numbered 0, 1, ...; ``numbers`` are the elements."""

    numbers: tuple[int, ...]
    bonds: frozenset[tuple[int, int]]

    def neighbours(self) -> list[set[int]]:
        """Return the bonded atoms of every atom."""
        bonded: list[set[int]] = [set() for _ in self.numbers]
        for i, j in self.bonds:
            bonded[i].add(j)
            bonded[j].add(i)
        return bonded

    def colours(self) -> tuple[tuple[int, ...], ...]:
        """Return a key for every atom that equal atoms of equal graphs share: element, neighbours' elements, and theirs again."""
        bonded = self.neighbours()
        keys: list[tuple[int, ...]] = [(z,) for z in self.numbers]
        for _ in range(2):
            keys = [
                (*keys[i], -1, *(x for key in sorted(keys[j] for j in bonded[i]) for x in (*key, -2)))
                for i in range(len(keys))
            ]
        return tuple(keys)


@dataclass(frozen=True)
class Connected:
    """Atoms that bonds connect; ``endless`` where they are bonded to an image of themselves."""

    atoms: tuple[int, ...]
    graph: Graph
    endless: bool


def connected_atoms(atoms: Atoms) -> list[Connected]:
    """Return the molecules of a structure in the order of their first atoms, bonds through periodic boundaries included."""
    radii = BOND_FACTOR * covalent_radii[atoms.numbers]
    first, second, shifts = _pairs(atoms, radii)
    bonded: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in range(len(atoms))]
    for i, j, shift in zip(first.tolist(), second.tolist(), shifts.tolist(), strict=True):
        bonded[i].append((j, tuple(shift)))
    image: dict[int, tuple[int, ...]] = {}
    molecules = []
    for start in range(len(atoms)):
        if start in image:
            continue
        image[start] = (0, 0, 0)
        queue, members, bonds, endless = deque([start]), [start], set(), False
        while queue:
            i = queue.popleft()
            for j, shift in bonded[i]:
                there = tuple(a + b for a, b in zip(image[i], shift, strict=True))
                if j not in image:
                    image[j] = there
                    members.append(j)
                    queue.append(j)
                endless |= image[j] != there
                if i != j:
                    bonds.add((min(i, j), max(i, j)))
        members.sort()
        place = {atom: k for k, atom in enumerate(members)}
        graph = Graph(
            tuple(int(atoms.numbers[a]) for a in members),
            frozenset((place[i], place[j]) for i, j in bonds),
        )
        molecules.append(Connected(tuple(members), graph, endless))
    return molecules


def _pairs(atoms: Atoms, radii: Array) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return both orders of every pair nearer than the sum of its radii, and the cell shifts of the second atom."""
    if atoms.pbc.any():
        first, second, shifts = neighbor_list("ijS", atoms, radii)  # type: ignore[no-untyped-call]
        return first, second, shifts
    # ASE's list of molecules far apart takes seconds and gigabytes; a tree does not see the empty space.
    near = cKDTree(atoms.positions).query_pairs(2 * radii.max(), output_type="ndarray")
    apart = np.linalg.norm(atoms.positions[near[:, 0]] - atoms.positions[near[:, 1]], axis=1)
    near = near[apart < radii[near].sum(axis=1)]
    both = np.concatenate([near, near[:, ::-1]])
    order = np.lexsort((both[:, 1], both[:, 0]))
    return both[order, 0], both[order, 1], np.zeros((len(both), 3), dtype=np.int64)


def matching(first: Graph, second: Graph) -> tuple[int, ...] | None:
    """Return an order of the second graph's atoms in which it equals the first, None where there is none.

    The order as it stands is tried first: structures usually list like molecules alike.
    """
    if first == second:
        return tuple(range(len(first.numbers)))
    if len(first.bonds) != len(second.bonds) or sorted(first.numbers) != sorted(second.numbers):
        return None
    keys, others = first.colours(), second.colours()
    if sorted(keys) != sorted(others):
        return None
    candidates = [[j for j, other in enumerate(others) if other == key] for key in keys]
    return next(_matchings(first.neighbours(), second.neighbours(), candidates, ()), None)


def _matchings(
    first: list[set[int]], second: list[set[int]], candidates: list[list[int]], chosen: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Yield every way to go on from the atoms chosen so far."""
    i = len(chosen)
    if i == len(candidates):
        yield chosen
        return
    for j in candidates[i]:
        if j not in chosen and all((k in first[i]) == (chosen[k] in second[j]) for k in range(i)):
            yield from _matchings(first, second, candidates, (*chosen, j))


def spanning_tree(graph: Graph) -> tuple[tuple[int, int], ...]:
    """Return bonds (known, new) that reach every atom from atom 0, nearest first."""
    bonded = graph.neighbours()
    reached, tree, queue = {0}, [], deque([0])
    while queue:
        i = queue.popleft()
        for j in sorted(bonded[i] - reached):
            reached.add(j)
            tree.append((i, j))
            queue.append(j)
    return tuple(tree)


def nearest_images(vectors: Array, cell: Array, pbc: Sequence[bool] | NDArray[np.bool_]) -> Array:
    """Return vectors ``(..., 3)`` less the cell vectors that bring them nearest to zero.

    Right for vectors shorter than half of the smallest distance between opposite faces: each fractional coordinate is then
    below 1/2.
    """
    periodic = np.asarray(pbc, dtype=bool)
    if not periodic.any():
        return vectors
    whole = np.array(cell, dtype=np.float64)
    if not np.all(np.any(whole != 0.0, axis=1)):  # directions without a cell vector
        from ase.geometry import complete_cell

        whole = np.asarray(complete_cell(whole))  # type: ignore[no-untyped-call]
    turns = np.round(vectors @ np.linalg.inv(whole)) * periodic
    nearest: Array = vectors - turns @ whole
    return nearest
