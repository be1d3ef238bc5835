"""How exactly a layer's features turn with the frames, measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...numerics.rotations import haar_rotations
from ..frames.frames import Frames
from .backbone import Backbone


def equivariance_error(backbone: Backbone, frames: Frames, layer: str, rng: np.random.Generator) -> float:
    """Return the largest relative deviation of h(R x) from D(R) h(x), over irreps.

    For each irrep block the error is ||h(Rx) - D h(x)|| / ||h(x)|| over all given frames and atoms, each frame
    with its own Haar-random rotation and a random translation. A block that is zero but for round-off (below 1e-13 of
    all features together: MACE's 1e features of natural parity only, for one) counts as zero.
    """
    rotations = haar_rotations(len(frames), rng)
    shifts = rng.normal(size=(len(frames), 1, 3))
    moved = replace(frames, positions=np.einsum("nij,naj->nai", rotations, frames.positions) + shifts)
    expected = backbone.features(frames, layer).rotated(rotations)
    measured = backbone.features(moved, layer)
    worst = 0.0
    everything = float(np.linalg.norm(expected.values))
    for a, b in zip(expected.blocks(), measured.blocks(), strict=True):
        norm = float(np.linalg.norm(a.values))
        if norm > 1e-13 * everything:
            worst = max(worst, float(np.linalg.norm(a.values - b.values)) / norm)
    return worst
