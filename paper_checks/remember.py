"""A backbone that remembers what it gave for the frames it saw last: claims ask for the same frames again and again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..diagnostic.backbones.backbone import Backbone
from ..diagnostic.backbones.features import Features, Layer
from ..diagnostic.frames.frames import Frames

#: Sets of frames that are remembered: those of a run with their forces, and the few of its checks.
_KEPT = 6


class Remembering(Backbone):
    """Wrap a backbone; everything else is the wrapped one's."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self.info = backbone.info
        self._kept: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backbone, name)

    def layers(self) -> list[Layer]:
        """Return the wrapped backbone's layers."""
        return self._backbone.layers()

    def check_elements(self, frames: Frames) -> None:
        """Raise InputError where the wrapped backbone does."""
        self._backbone.check_elements(frames)

    def features(self, frames: Frames, layer: str) -> Features:
        """Return the features, computed once for the same frames and layer."""
        key = (layer, _digest(frames))
        if key not in self._kept:
            self._keep(key, self._backbone.features(frames, layer))
        found: Features = self._kept[key]
        return found

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the forces, computed once for the same frames."""
        key = ("forces", _digest(frames))
        if key not in self._kept:
            self._keep(key, self._backbone.forces(frames))
        found: NDArray[np.float64] = self._kept[key]
        return found

    def _keep(self, key: tuple[str, str], value: Any) -> None:
        self._kept[key] = value
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _digest(frames: Frames) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(frames.numbers).tobytes())
    digest.update(np.ascontiguousarray(frames.positions).tobytes())
    return digest.hexdigest()
