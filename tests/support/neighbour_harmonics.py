"""A backbone in NumPy whose features are known: sums of harmonics of all neighbours, in any number format, with any fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spectral_ceilings.diagnostic.backbones.backbone import Backbone, BackboneInfo
from spectral_ceilings.diagnostic.backbones.features import Features, Layer
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.numerics import real_harmonics

Values = Callable[[np.ndarray, Frames], np.ndarray]


class NeighbourHarmonics(Backbone):
    """Sums over neighbours of exp(-r) Z Y_l and exp(-2 r) Y_l, l <= 2, declared ``irreps``, then changed by ``change``.

    Built like a first layer of NequIP, so that theory has a bound for its directions.
    """

    def __init__(
        self, irreps: str = "2x0e+2x1o+2x2e", dtype: Any = np.float64, change: Values | None = None
    ) -> None:
        self.info = BackboneInfo("harmonics", "nequip", trained=True, sha256="1" * 64, builder={"l_max": 2})
        self.irreps, self.dtype, self.change = irreps, dtype, change

    def layers(self) -> list[Layer]:
        return [Layer("layer0", self.irreps)]

    def features(self, frames: Frames, layer: str) -> Features:
        x = frames.positions.astype(self.dtype)
        displacements = x[:, None] - x[:, :, None]
        distances = np.linalg.norm(displacements, axis=-1)
        near = distances > 1e-6
        away = np.where(near[..., None], displacements, np.array([0, 1, 0], dtype=self.dtype))
        y = (
            real_harmonics(2, away.reshape(-1, 3).astype(np.float64))
            .astype(self.dtype)
            .reshape(*distances.shape, 9)
        )
        weights = np.stack([np.exp(-distances) * frames.numbers, np.exp(-2 * distances)], axis=-1)
        weights = (weights * near[..., None]).astype(self.dtype)
        parts = [np.einsum("nijc,nijm->nicm", weights, y[..., l * l : (l + 1) ** 2]) for l in range(3)]
        values = np.concatenate([part.reshape(*distances.shape[:2], -1) for part in parts], axis=-1)
        if self.change is not None:
            values = self.change(values, frames).astype(self.dtype)
        return Features.of(values, Layer(layer, self.irreps))

    def forces(self, frames: Frames) -> np.ndarray:
        return np.zeros_like(frames.positions)

    @property
    def has_forces(self) -> bool:
        return False
