"""How features of which no symmetry is declared change when frames are turned, inverted or shifted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ..frames import motions
from ..frames.frames import Frames
from .backbone import Backbone
from .check_report import Finding
from .equivariance import EQUIVARIANCE_TOLERANCE, Equivariance, IrrepSymmetry
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

    def change(changed: Frames) -> float:
        moved = backbone.features(changed, layer.name).values
        return float(np.linalg.norm(moved - base.values)) / size if size else 0.0

    turned, inverted = change(motions.turned(frames, rotations)), change(motions.inverted(frames))
    shifted = change(motions.at_positions(frames, frames.positions + shifts))
    entry = IrrepSymmetry("", 0, 1, 1.0, turned, inverted, (0,))
    return Equivariance(layer.name, "", (entry,), shifted, base.precision, None, size == 0.0)


def unsymmetric_findings(measured: Sequence[Equivariance]) -> list[Finding]:
    """Say how layers without irreps change under rotations, the inversion and shifts; only shifts can be a mistake."""
    names = ", ".join(layer.layer for layer in measured)
    turned, inverted = max(layer.rotation for layer in measured), max(layer.inversion for layer in measured)
    shifted = max(measured, key=lambda layer: layer.translation)
    stays = shifted.translation <= EQUIVARIANCE_TOLERANCE
    moved = f"a shift changes features by {shifted.translation:.0e}" + (
        "" if stays else f" at layer {shifted.layer!r}: give the model relative positions"
    )
    lead = f"no symmetry is declared of {names}"
    return [
        Finding("rotation", None, f"{lead}: turned with the frame, features change by {turned:.0e}", turned),
        Finding("inversion", None, f"{lead}: inverted with it, by {inverted:.0e}", inverted),
        Finding("translation", stays, moved, shifted.translation),
    ]
