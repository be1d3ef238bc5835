"""A model whose forces miss those of the frames by a given amount: what limits it is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import Backbone, BackboneInfo, Features, Frames, Layer


class KnownError(Backbone):
    """Forces of the frames minus ``errors``, looked up by the first coordinate of each frame."""

    def __init__(
        self, frames: Frames, errors: NDArray[np.float64], training: dict[str, Any] | None = None
    ) -> None:
        self.info = BackboneInfo("known-error", "toy", trained=True, training=training)
        self.table = {
            float(positions[0, 0]): forces - error
            for positions, forces, error in zip(frames.positions, frames.forces, errors, strict=True)
        }
        self.known = tuple(sorted(set(frames.symbols)))

    def layers(self) -> list[Layer]:
        return [Layer("layer0", "4x0e+4x1o+4x2e")]

    @property
    def cutoff(self) -> float:
        return 3.5

    @property
    def elements(self) -> tuple[str, ...]:
        return self.known

    def features(self, frames: Frames, layer: str) -> Features:
        raise NotImplementedError

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        return np.stack([self.table[float(positions[0, 0])] for positions in frames.positions])
