"""The height of the cliff: recovery at the ceiling over recovery one above it, with its confidence set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .bootstrap import share_of, sums_table
from .error_sums import Cell, ErrorSums
from .hierarchy import Bootstrap, Ratio, ratio

Array = NDArray[np.float64]


def cliff_table(
    cells: Sequence[Mapping[int, Cell]], atoms: Sequence[int], boundary: int
) -> dict[str, list[Array]] | None:
    """Return the sums at l = C and C + 1 by ``name@l``, one array ``(atoms, frames)`` for each backbone.

    Parameters
    ----------
    cells
        For each backbone, the cell of every atom.
    atoms
        The atoms to take.
    boundary
        The ceiling C; the cells reach C + 1.

    Returns
    -------
    None where one of the sums is missing: theory leaves no polynomial above the ceiling, so there is no step to measure.
    """
    table: dict[str, list[Array]] = {}
    for l in (boundary, boundary + 1):
        sums: list[list[ErrorSums]] = []
        for of_backbone in cells:
            measured = [entry for atom in atoms if (entry := of_backbone[atom][0][l]) is not None]
            if len(measured) < len(atoms):
                return None
            sums.append(measured)
        table |= {f"{name}@{l}": arrays for name, arrays in sums_table(sums).items()}
    return table


def cliff_ratio(
    table: Mapping[str, Sequence[Array]], boundary: int, bootstrap: Bootstrap, *, crossed: bool = True
) -> Ratio:
    """Return rho(C) / rho(C + 1), each the median over atoms, averaged over backbones, with Fieller's confidence set.

    Parameters
    ----------
    table
        What :func:`cliff_table` returned.
    boundary
        The ceiling C.
    crossed
        Whether all backbones were measured on the same held-out frames.
    """
    rho = share_of("rho", "median")

    def recoveries(get: Callable[[str], Array]) -> Array:
        def at(l: int) -> Array:
            return rho(lambda name: get(f"{name}@{l}"))

        return np.stack([at(boundary), at(boundary + 1)])

    return ratio(recoveries, table, bootstrap, median=True, crossed=crossed)
