"""Counts of distances between points of a periodic cell, by kinds of points and record; compiled, all kinds in one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import jit

Array = NDArray[np.float64]


@jit
def _count(
    fractions: Array, kinds: NDArray[np.int64], cell: Array, reach: float, counts: NDArray[np.int64]
) -> None:
    """Count pairs of points of fractional coordinates (records, 3, points); the first loop over j has no branch, for SIMD."""
    records, _, points = fractions.shape
    bins = counts.shape[3]
    scale, most = bins / reach, reach * reach
    squares = np.empty(points)
    for record in range(records):
        u, v, w = fractions[record, 0], fractions[record, 1], fractions[record, 2]
        for i in range(points - 1):
            for j in range(i + 1, points):
                a, b, c = u[j] - u[i], v[j] - v[i], w[j] - w[i]
                a -= np.rint(a)
                b -= np.rint(b)
                c -= np.rint(c)
                x = a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0]
                y = a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1]
                z = a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2]
                squares[j] = x * x + y * y + z * z
            row = counts[record, kinds[i]]
            for j in range(i + 1, points):
                if squares[j] < most:
                    row[kinds[j], min(int(np.sqrt(squares[j]) * scale), bins - 1)] += 1


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
    fractions = np.ascontiguousarray((positions @ np.linalg.inv(cell)).transpose(0, 2, 1), dtype=np.float64)
    _count(
        fractions,
        np.ascontiguousarray(kinds, dtype=np.int64),
        np.ascontiguousarray(cell, dtype=np.float64),
        float(reach),
        counts,
    )
    same = counts[:, range(number), range(number)].copy()
    counts += counts.transpose(0, 2, 1, 3).copy()
    counts[:, range(number), range(number)] = same
    return counts
