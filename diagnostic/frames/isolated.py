"""A molecule in a box, taken out of it: whole again across the walls, and only where no image of it comes near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from ...theory.errors import InputError
from .neighbours import neighbours

#: An image nearer than this (Å) is within the cutoff of the usual models.
NEAREST_IMAGE = 6.0


def unboxed(
    positions: NDArray[np.float64], cell: NDArray[np.float64], pbc: tuple[bool, bool, bool], place: str
) -> NDArray[np.float64]:
    """Return the positions of a boxed molecule, whole, ``(A, 3)`` (Å).

    Parameters
    ----------
    positions, cell, pbc
        As in ``Frames``, of one structure.
    place
        What errors call it.

    Raises
    ------
    InputError
        An image comes nearer than ``NEAREST_IMAGE``; the sentence names the distance.
    """
    near = neighbours(positions, NEAREST_IMAGE, cell, pbc)
    shifts = _whole(len(positions), near.first, near.second, near.shifts, near.distances)
    # the image of j that belongs to the molecule is the one shifted by shifts[j]
    inside = (near.shifts == shifts[near.second] - shifts[near.first]).all(axis=1)
    if not inside.all():
        nearest = float(near.distances[~inside].min())
        raise InputError(
            f"{place}: an image of it comes as near as {nearest:.2f} Å: expected at least {NEAREST_IMAGE:g} Å of a molecule "
            "that is isolated, so do not ask for isolated structures and use it as periodic."
        )
    return np.asarray(positions + shifts @ np.where(np.asarray(pbc)[:, None], cell, 0.0))


def lone(cell: NDArray[np.float64], pbc: NDArray[np.bool_]) -> bool:
    """Whether a single atom in this cell has no image within ``NEAREST_IMAGE``."""
    near = neighbours(np.zeros((1, 3)), NEAREST_IMAGE, cell, (bool(pbc[0]), bool(pbc[1]), bool(pbc[2])))
    return len(near.first) == 0


def _whole(
    count: int,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    shifts: NDArray[np.int64],
    distances: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Cell vectors to add to each atom so that the nearest pairs, a spanning tree of them, stand side by side."""
    others = first != second
    i, j, apart, steps = first[others], second[others], distances[others], shifts[others]
    # the nearest image of each pair
    order = np.lexsort((apart, j, i))
    i, j, apart, steps = i[order], j[order], apart[order], steps[order]
    kept = (
        np.concatenate([[True], (np.diff(i) != 0) | (np.diff(j) != 0)]) if len(i) else np.empty(0, dtype=bool)
    )
    i, j, apart, steps = i[kept], j[kept], apart[kept], steps[kept]
    step = {(int(a), int(b)): s for a, b, s in zip(i, j, steps, strict=True)}
    graph = minimum_spanning_tree(csr_array((np.maximum(apart, 1e-9), (i, j)), shape=(count, count)))
    tree = csr_array(graph + graph.T)
    moved = np.zeros((count, 3), dtype=np.int64)
    seen = np.zeros(count, dtype=bool)
    for root in range(count):
        if seen[root]:
            continue
        nodes, before = breadth_first_order(tree, root, directed=False)
        for node in nodes:
            seen[node] = True
            if node != root:
                moved[node] = moved[before[node]] + step[int(before[node]), int(node)]
    return moved
