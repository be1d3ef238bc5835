"""How features of which no symmetry is declared change when frames are turned, inverted or shifted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ..frames.frames import Frames
from .backbone import Backbone
from .equivariance import Equivariance, IrrepSymmetry
from .features import Layer

Array = NDArray[np.float64]


def measure_unsymmetric(
    backbone: Backbone, frames: Frames, layer: Layer, rng: np.random.Generator
) -> Equivariance:
    r"""Measure by how much plain numbers change, :math:`\|h(Rx) - h(x)\| / \|h(x)\|`, likewise inverted and shifted.

    Parameters
    ----------
    backbone
        The model.
    frames
        A few frames, each turned by a Haar-random rotation and shifted by about 1 Å.
    layer
        A layer without irreps.

    Returns
    -------
    One entry without irreps; its parity is none.
    """
    rotations = haar_rotations(len(frames), rng)
    shifts = rng.normal(size=(len(frames), 1, 3))
    base = backbone.features(frames, layer.name)
    size = float(np.linalg.norm(base.values))

    def change(positions: Array) -> float:
        moved = backbone.features(replace(frames, positions=positions), layer.name).values
        return float(np.linalg.norm(moved - base.values)) / size if size else 0.0

    turned = change(np.einsum("nij,naj->nai", rotations, frames.positions))
    inverted, shifted = change(-frames.positions), change(frames.positions + shifts)
    entry = IrrepSymmetry("", 0, 1, 1.0, turned, inverted, (0,))
    return Equivariance(layer.name, "", (entry,), shifted, base.precision, None, size == 0.0)
