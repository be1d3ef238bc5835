"""What is checked of features before a diagnosis: how they turn, and how many numbers readouts of turned frames are given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.equivariance import (
    APPROXIMATE,
    EQUIVARIANCE_TOLERANCE,
    Equivariance,
    measure_equivariance,
    why_refused,
)
from ..backbones.features import Layer
from ..backbones.unsymmetric import measure_unsymmetric
from ..frames.frames import Frames
from ..readouts.compute import Compute
from .limits import check_readouts
from .settings import DiagnoseSettings
from .turned_reduction import Needs


def check_turning(
    frames: Frames, backbone: Backbone, layer: Layer, settings: DiagnoseSettings
) -> Equivariance:
    """Return how a few frames' features turn; InputError where nothing can be measured of them.

    As the network is run on turned frames, features may miss equivariance, or may have no declared symmetry at all.
    """
    few = frames.select(np.arange(min(3, len(frames))))
    rng = np.random.default_rng([settings.seed, 11])
    if not layer.declared:
        measured = measure_unsymmetric(backbone, few, layer, rng)
    else:
        measured = measure_equivariance(backbone, few, [layer.name], rng)[layer.name]
    source = backbone.info.source
    if measured.zero or measured.convention is not None:
        raise InputError(why_refused(measured, source))
    if measured.translation > EQUIVARIANCE_TOLERANCE:
        raise InputError(why_refused(replace(measured, entries=()), source))
    if layer.declared and measured.rotation > APPROXIMATE:
        raise InputError(f"{why_refused(measured, source)}; or declare no symmetry, with irreps None")
    return measured


def numbers_of(backbone: Backbone, frames: Frames, layer: Layer) -> int:
    """Return how many numbers a layer gives for each atom."""
    return int(backbone.features(frames.select([0]), layer.name).values.shape[2])


def check_turned(needs: Needs, settings: DiagnoseSettings, frames: int, compute: Compute) -> Compute:
    """Check the free readouts of a run on turned frames against the frames and the memory, as ``limits.check_readouts``.

    Parameters
    ----------
    frames
        Number of training frames.
    """
    if needs.layer.declared:
        return check_readouts(needs.blocks, settings, frames, compute)
    degrees = {*settings.degrees, settings.main_degree}
    for degree in degrees:
        needs.limit(degree)
    kept = max(needs.kept(degree)[0, 1] for degree in degrees)
    # The free readout of plain numbers has the memory of one that keeps the same components as scalars.
    scalars = replace(needs, numbers=kept).blocks
    return check_readouts(scalars, settings, frames, compute)
