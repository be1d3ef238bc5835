"""Neighbour lists of molecules and crystals, by vesin: every pair within a cutoff, each image of a periodic cell its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import vesin
from numpy.typing import NDArray

from .frames import Frames


@dataclass(frozen=True)
class Neighbours:
    """Pairs of one structure within a cutoff, both ways, sorted by ``first``.

    Attributes
    ----------
    first, second : (pairs,) int array
        Atom i, and the atom j of which an image lies near it.
    shifts : (pairs, 3) int array
        Cell vectors by which the image of j is displaced; zeros where nothing is periodic.
    vectors : (pairs, 3) float array
        From i to that image of j: r_j - r_i + shift . cell (Å).
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shifts: NDArray[np.int64]
    vectors: NDArray[np.float64]

    @property
    def distances(self) -> NDArray[np.float64]:
        """Lengths of the vectors (Å)."""
        return np.asarray(np.linalg.norm(self.vectors, axis=1))


def neighbours(
    positions: NDArray[np.float64],
    cutoff: float,
    cell: NDArray[np.float64] | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
) -> Neighbours:
    """Return every pair of atoms, or of an atom and an image, that is nearer than the cutoff.

    An atom is a neighbour of its own images in a cell that is small enough, never of itself.

    Parameters
    ----------
    positions
        ``(atoms, 3)``, Å; atoms may lie outside the cell.
    cutoff
        Å.
    cell
        Cell vectors as rows (Å); needed in the periodic directions only.
    pbc
        Which directions are periodic.
    """
    box = np.zeros((3, 3)) if cell is None else np.array(cell, dtype=np.float64)
    finder = vesin.NeighborList(cutoff=cutoff, full_list=True, sorted=True, n_threads=1)
    first, second, shifts, vectors = finder.compute(
        np.ascontiguousarray(positions, dtype=np.float64), _completed(box, pbc), list(pbc), quantities="ijSD"
    )
    return Neighbours(
        first.astype(np.int64), second.astype(np.int64), shifts.astype(np.int64).reshape(-1, 3), vectors.reshape(-1, 3)
    )  # fmt: skip


def neighbours_of(frames: Frames, cutoff: float) -> Iterator[Neighbours]:
    """Yield the neighbours of each frame in turn; see :func:`neighbours`."""
    for index, positions in enumerate(frames.positions):
        cell = None if frames.cells is None else frames.cells[index]
        yield neighbours(positions, cutoff, cell, frames.pbc)


def _completed(box: NDArray[np.float64], pbc: tuple[bool, bool, bool]) -> NDArray[np.float64]:
    """Return the cell with unit vectors across the periodic ones in the other directions, whatever stood there."""
    if not any(pbc):
        return np.eye(3)
    from ase.geometry import complete_cell

    kept = np.where(np.asarray(pbc)[:, None], box, 0.0)
    return np.asarray(complete_cell(kept))  # type: ignore[no-untyped-call]
