"""Counts of distances between points of a periodic cell, by kinds of points and record; compiled, all kinds in one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import jit

Array = NDArray[np.float64]


@jit
def _count(
    positions: Array, kinds: NDArray[np.int64], cell: Array, inverse: Array, reach: float, counts: NDArray[np.int64]
) -> None:  # fmt: skip
    records, atoms = positions.shape[:2]
    bins = counts.shape[3]
    scale = bins / reach
    for record in range(records):
        for i in range(atoms):
            for j in range(i + 1, atoms):
                x = positions[record, j, 0] - positions[record, i, 0]
                y = positions[record, j, 1] - positions[record, i, 1]
                z = positions[record, j, 2] - positions[record, i, 2]
                a = np.rint(x * inverse[0, 0] + y * inverse[1, 0] + z * inverse[2, 0])
                b = np.rint(x * inverse[0, 1] + y * inverse[1, 1] + z * inverse[2, 1])
                c = np.rint(x * inverse[0, 2] + y * inverse[1, 2] + z * inverse[2, 2])
                x -= a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0]
                y -= a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1]
                z -= a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2]
                square = x * x + y * y + z * z
                if square < reach * reach:
                    place = min(int(np.sqrt(square) * scale), bins - 1)
                    counts[record, kinds[i], kinds[j], place] += 1


def pair_counts(
    positions: Array, kinds: NDArray[np.int64], cell: Array, reach: float, bins: int
) -> NDArray[np.int64]:
    """Count pairs of points by distance in a cell that is periodic in three directions.

    Parameters
    ----------
    positions
        (records, points, 3), wrapped or not.
    kinds
        (points,), 0..n-1.
    cell
        (3, 3), rows are the cell's vectors; any shape.
    reach
        At most half the smallest distance between opposite faces of the cell: every pair has one image within it.
    bins
        Equal bins from 0 to ``reach``.

    Returns
    -------
    (records, n, n, bins), symmetric in the two kinds: of a pair of points of kinds a and b, one is counted at [a, b] and one at
    [b, a]; of two points of kind a one at [a, a].
    """
    number = int(kinds.max()) + 1 if len(kinds) else 0
    counts = np.zeros((len(positions), number, number, bins), dtype=np.int64)
    _count(
        np.ascontiguousarray(positions, dtype=np.float64), np.ascontiguousarray(kinds, dtype=np.int64),
        np.ascontiguousarray(cell, dtype=np.float64), np.linalg.inv(cell), float(reach), counts,
    )  # fmt: skip
    same = counts[:, range(number), range(number)].copy()
    counts += counts.transpose(0, 2, 1, 3).copy()
    counts[:, range(number), range(number)] = same
    return counts
