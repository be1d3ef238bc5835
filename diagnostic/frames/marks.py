"""Which neighbour an atom can point at: bonds, environments, and the marked neighbour of every atom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.neighborlist import natural_cutoffs, neighbor_list
from numpy.typing import NDArray

from .frames import Frames
from .stiffness import chunks, distances_in, radius_sums

#: A pair is bonded in a frame where it is nearer than this multiple of the sum of covalent radii.
BONDED = 1.2
#: A mark is a bond in at least this share of the frames; a pair that is one in a smaller share than its complement is
#: never counted as bonded. Between the two a bond comes and goes.
NEARLY_ALL = 0.95


@dataclass(frozen=True)
class Mark:
    """The marked neighbour of one atom, or the reason why there is none.

    Attributes
    ----------
    atom, element
        Index and symbol of the atom.
    neighbour
        Index of the marked bonded neighbour; None where no neighbour is distinguishable.
    heavy
        Whether the marked neighbour is not a hydrogen.
    why
        One sentence.
    """

    atom: int
    element: str
    neighbour: int | None
    heavy: bool
    why: str


def bonds(numbers: NDArray[np.int64], positions: NDArray[np.float64]) -> list[list[int]]:
    """Return the bonded neighbours of every atom.

    Two atoms are bonded where their distance (Å) is below the sum of their covalent radii times 1.2 (ASE's
    natural cutoffs), in a reference geometry.
    """
    atoms = Atoms(numbers=numbers, positions=positions)
    first, second = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=BONDED))
    neighbours: list[list[int]] = [[] for _ in numbers]
    for i, j in zip(first, second, strict=True):
        neighbours[int(i)].append(int(j))
    return [sorted(set(row)) for row in neighbours]


def bond_shares(frames: Frames) -> NDArray[np.float64]:
    """Return the share of the frames in which each pair is bonded, shape (A, A)."""
    near = BONDED * radius_sums(frames.numbers)
    np.fill_diagonal(near, 0.0)
    count = np.zeros(near.shape)
    for part in chunks(frames.positions):
        count += (distances_in(part) < near).sum(axis=0)
    return count / len(frames)


def environments(numbers: NDArray[np.int64], bonded: list[list[int]]) -> list[list[int]]:
    """Return the classes of the atoms after k = 0, 1, 2, ... steps of colour refinement on the bond graph.

    Step 0 tells elements apart; step k tells apart what differs within k bonds (Weisfeiler and Lehman). Two atoms
    of one class at the last step cannot be told apart by anything local that ignores the numbering of atoms.
    """
    colours = [int(z) for z in numbers]
    steps = [colours]
    for _ in range(len(colours)):
        signatures = [(colours[i], tuple(sorted(colours[j] for j in row))) for i, row in enumerate(bonded)]
        names = {signature: k for k, signature in enumerate(sorted(set(signatures)))}
        refined = [names[signature] for signature in signatures]
        steps.append(refined)
        if len(set(refined)) == len(set(colours)) and len(steps) > 2:
            break
        colours = refined
    return steps


def marked_neighbours(frames: Frames) -> list[Mark]:
    """Choose the marked neighbour of every atom.

    A mark must be distinguishable: its environment is unique among the bonded neighbours of the atom; otherwise
    no model that ignores the numbering of atoms can point at it (a methyl carbon cannot point at one of three
    equivalent hydrogens). Heavy neighbours come before hydrogens, then those whose environment differs within
    the fewest bonds, then the nearest on average. Bonds are those of all frames: a mark is there in nearly all of them,
    and told from every neighbour that is bonded in some (a proton that hops is no mark, and hides its like).
    """
    shares = bond_shares(frames)
    bonded = [np.flatnonzero(row > 1 - NEARLY_ALL).tolist() for row in shares]
    steps = environments(frames.numbers, bonded)
    marks = []
    for i, row in enumerate(bonded):
        symbol = chemical_symbols[frames.numbers[i]]
        best: tuple[bool, int, float, int] | None = None
        for j in row:
            if shares[i, j] < NEARLY_ALL:
                continue
            depth = next(
                (k for k, c in enumerate(steps) if sum(c[other] == c[j] for other in row) == 1), None
            )
            if depth is None:
                continue
            distance = float(np.linalg.norm(frames.positions[:, j] - frames.positions[:, i], axis=1).mean())
            candidate = (bool(frames.numbers[j] == 1), depth, distance, j)
            best = candidate if best is None else min(best, candidate)
        if best is None:
            why = "no bonded neighbour" if not row else "its bonded neighbours are equivalent to one another"
            if row and (shares[i, row] < NEARLY_ALL).any():
                why = "its bonds come and go, and no neighbour that stays can be distinguished"
            marks.append(Mark(i, symbol, None, False, why))
            continue
        hydrogen, depth, distance, j = best
        told = (
            "the only one of its element"
            if depth == 0
            else f"distinguished by its surroundings within {depth} bonds"
        )
        why = f"points at {chemical_symbols[frames.numbers[j]]}{j} ({distance:.2f} Å), {told}"
        if len(row) == 1:
            why = f"points at {chemical_symbols[frames.numbers[j]]}{j} ({distance:.2f} Å), its only bonded neighbour"
        marks.append(Mark(i, symbol, j, not hydrogen, why))
    return marks
