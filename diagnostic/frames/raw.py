"""Arrays as a file has them, before units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .units import Units


@dataclass(frozen=True)
class Raw:
    """Arrays of a file, with the units it implies and why.

    Attributes
    ----------
    numbers, positions, forces, energies
        As in `Frames`, in the units of the file.
    implied : Units or None
        What files of this kind are in; None where that is not fixed.
    reason : str
        Why, in words.
    notes : tuple of str
        What was decided while reading.
    cells, pbc, stress
        As in `Frames`, in the units of the file (stress: energy / length³).
    """

    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    forces: NDArray[np.float64]
    energies: NDArray[np.float64] | None
    implied: Units | None
    reason: str
    notes: tuple[str, ...] = ()
    cells: NDArray[np.float64] | None = None
    pbc: tuple[bool, bool, bool] = (False, False, False)
    stress: NDArray[np.float64] | None = None
