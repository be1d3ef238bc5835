"""Copies among structures of any kind: written alike, or of the same energy and the same geometry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .copies import copy_groups, periodic_copies
from .images import Table

#: Energies of copies differ by at most this (in the unit of the file).
_SAME_ENERGY = 1e-6
#: Structures that are read to see whether equal energies mean equal geometries, at most.
_MOST_READ = 4000


def first_copies(
    table: Table,
    energies: NDArray[np.float64] | None,
    positions: Callable[[int], NDArray[np.float64]],
    usable: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], bool]:
    """Return for every structure the first that it is a copy of, its own place where there is none; and whether all were held.

    Parameters
    ----------
    table
        What the structures are.
    energies
        ``(N,)``, NaN where there is none; None: only structures that are written alike are copies.
    positions
        Returns the positions of a structure (in the unit of the table's cells), called for those of equal energies.
    usable
        ``(N,)``; what is not usable is nobody's copy.
    """
    first = np.arange(len(table))
    if table.digests is not None:
        held = np.flatnonzero(usable)
        marks = np.stack([table.which[held], table.digests[held]])
        _, where, back = np.unique(marks, axis=1, return_index=True, return_inverse=True)
        first[held] = held[where[back.reshape(-1)]]
    if energies is None:
        return first, True
    left = np.flatnonzero((first == np.arange(len(table))) & usable & np.isfinite(energies))
    order = left[np.lexsort((energies[left], table.which[left]))]
    cut = (np.diff(table.which[order]) != 0) | (np.diff(energies[order]) > _SAME_ENERGY)
    runs = [np.sort(run) for run in np.split(order, np.flatnonzero(cut) + 1) if len(run) > 1]
    read = 0
    for run in runs:
        read += len(run)
        if read > _MOST_READ:
            return first[first], False
        numbers = table.compositions[table.which[run[0]]]
        x = np.array([positions(int(k)) for k in run])
        for periodic in {tuple(flags) for flags in table.pbc[run].tolist()}:
            some = np.flatnonzero((table.pbc[run] == periodic).all(axis=1))
            cells = table.cells[run[some]]
            alike = (
                periodic_copies(x[some], cells, periodic) if any(periodic) else copy_groups(numbers, x[some])
            )
            first[run[some]] = run[some][alike]
    return first[first], True
