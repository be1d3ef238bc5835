"""Frames that are turned as a whole: what a network is run on where its features do not turn by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .frames import Frames


def turned_frames(frames: Frames, indices: NDArray[np.int64], rotations: NDArray[np.float64]) -> Frames:
    """Return chosen frames, each turned by a rotation of its own: positions, forces and cell vectors.

    Parameters
    ----------
    indices
        ``(uses,)``: a frame may stand in it several times.
    rotations
        ``(uses, 3, 3)``, proper rotations.

    Returns
    -------
    Frames with the same energies and without stress.
    """
    chosen = frames.select(indices)

    def turned(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.einsum("nij,naj->nai", rotations, vectors))

    return replace(
        chosen, positions=turned(chosen.positions), forces=turned(chosen.forces),
        cells=None if chosen.cells is None else turned(chosen.cells), stress=None,
    )  # fmt: skip
