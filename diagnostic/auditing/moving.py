"""The frame in which one neighbour moves around one atom: a molecule, or a cell repeated until nothing else moves along."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.motions import supercell
from ..frames.neighbours import neighbours
from .direction_spectrum import REACH, SEARCHED, MovingNeighbour, minimum_distances, moving_neighbour

#: How far a model is taken to see where it does not say, Å.
_CUTOFF = 6.0
#: Most atoms of a repeated cell.
_MOST_ATOMS = 1000


@dataclass(frozen=True)
class Moving:
    """A frame, a pair of its atoms of which one moves, and which atoms of the frame given they are.

    Attributes
    ----------
    frame
        One frame; a periodic one is repeated so often that no image of the moving atom comes within the model's cutoff of the
        centre: of all that the centre sees, one atom moves.
    pair
        The pair, numbered in ``frame``.
    centre, neighbour
        The same atoms in the frame given.
    elements
        Their symbols.
    """

    frame: Frames
    pair: MovingNeighbour
    centre: int
    neighbour: int
    elements: tuple[str, str]


def moving_in(frame: Frames, cutoff: float | None, centre: int | None, neighbour: int | None) -> Moving:
    """Return the pair asked for, or the pair whose neighbour stays farthest from every other atom, in a wide enough frame.

    Raises
    ------
    InputError
        As :func:`~spectral_ceilings.diagnostic.auditing.direction_spectrum.moving_neighbour`; or a cell that would be repeated
        to more than 1,000 atoms.
    """
    count = len(frame.numbers)
    wide = _repeated(frame, cutoff or _CUTOFF, centre, neighbour) if frame.periodic else frame
    pair = moving_neighbour(wide, centre, neighbour, among=count)
    first, second = pair.centre % count, pair.neighbour % count
    return Moving(wide, pair, first, second, (frame.symbols[first], frame.symbols[second]))


def _repeated(frame: Frames, cutoff: float, centre: int | None, neighbour: int | None) -> Frames:
    """Return one frame, repeated until its shortest lattice vector is longer than the cutoff and the moving distance."""
    far = REACH
    if centre is not None and neighbour is not None and 0 <= max(centre, neighbour) < len(frame.numbers):
        asked = float(minimum_distances(frame, SEARCHED)[centre, neighbour])
        far = max(far, asked) if np.isfinite(asked) else far
    least = cutoff + far + 0.01
    times = np.ones(3, dtype=np.int64)
    while True:
        wide = supercell(frame.select([0]), (int(times[0]), int(times[1]), int(times[2])))
        assert wide.cells is not None
        near = neighbours(np.zeros((1, 3)), least, wide.cells[0], wide.pbc)
        if not len(near.first):
            return replace(wide, energies=None)
        shift = np.abs(near.shifts[int(np.argmin(near.distances))])
        times[int(np.argmax(shift))] += 1
        if len(frame.numbers) * int(times.prod()) > _MOST_ATOMS:
            raise InputError(
                f"{frame.source}: a cell in which one atom moves alone within {least:.1f} Å has more than {_MOST_ATOMS:,} atoms: "
                "give a smaller cell, or leave the part directions out"
            )
