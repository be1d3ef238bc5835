"""Where features and residuals come from: the network is run only when a fit needs what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..backbones.backbone import Backbone
from ..backbones.features import Block, Layer
from .progress import RunProgress
from .sample import Sample
from .sample import blocks_of as blocks_of


class FeatureSource:
    """Features of one backbone on the frames of a run, made when they are first asked for, and kept.

    A run that is taken up asks for none where all of its cells are finished.

    Parameters
    ----------
    label
        Names the backbone in the names of the cells.
    make
        Gives the features by irrep.
    """

    def __init__(self, label: str, make: Callable[[], Sequence[Block]]) -> None:
        self.label = label
        self._make = make
        self._blocks: Sequence[Block] | None = None

    def blocks(self) -> Sequence[Block]:
        """Return the features by irrep, of every frame and atom."""
        if self._blocks is None:
            self._blocks = self._make()
        return self._blocks

    def named(self, label: str) -> FeatureSource:
        """Return the same features under another label, for fits whose cells must not be mistaken for those of this one."""
        return FeatureSource(label, self.blocks)


class BackboneOutputs:
    """What a frozen backbone gives for the rows of a run: the features of one layer, and the error of its forces.

    The irreps of ``layer`` are those that the readouts use, with the measured parities.

    Attributes
    ----------
    features
        The features of the layer.
    """

    def __init__(self, backbone: Backbone, sample: Sample, layer: Layer, progress: RunProgress) -> None:
        self._backbone, self._sample, self._progress = backbone, sample, progress
        self._residual: NDArray[np.float64] | None = None

        def make() -> list[Block]:
            with progress.part("features", "features"):
                return sample.blocks(backbone, layer)

        self.features = FeatureSource("model", make)

    @property
    def has_forces(self) -> bool:
        """Whether the residual is an error of the backbone's forces, and not the forces of the frames themselves."""
        return self._backbone.has_forces

    def residual(self) -> NDArray[np.float64]:
        """Return F - F_backbone, ``(rows, atoms, 3)``, eV/Å."""
        if self._residual is None:
            with self._progress.part("backbone forces", "forces of the backbone"):
                self._residual = self._sample.forces - self._sample.model_forces(self._backbone)
        return self._residual
