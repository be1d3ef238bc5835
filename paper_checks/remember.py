"""A backbone that remembers what it gave for the frames it saw last: claims ask for the same frames again and again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..diagnostic.backbones.backbone import Backbone
from ..diagnostic.backbones.features import Features, Layer
from ..diagnostic.backbones.responses import EdgeFilter, Response
from ..diagnostic.frames.frames import Frames

#: Sets of frames that are remembered: those of a run with their forces, and the few of its checks.
_KEPT = 6


class Remembering(Backbone):
    """Wrap a backbone; everything else is the wrapped one's."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self.info, self.untrained = backbone.info, backbone.untrained
        self._kept: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def layers(self) -> list[Layer]:
        """Return the wrapped backbone's layers."""
        return self._backbone.layers()

    @property
    def elements(self) -> tuple[str, ...] | None:
        """Chemical symbols that the wrapped backbone knows."""
        return self._backbone.elements

    @property
    def cutoff(self) -> float | None:
        """Radius (Å) of the wrapped backbone."""
        return self._backbone.cutoff

    @property
    def has_forces(self) -> bool:
        """Whether the wrapped backbone has forces."""
        return self._backbone.has_forces

    @property
    def has_energies(self) -> bool:
        """Whether the wrapped backbone has energies."""
        return self._backbone.has_energies

    @property
    def can_filter_edges(self) -> bool:
        """Whether the wrapped backbone takes an edge filter."""
        return self._backbone.can_filter_edges

    @property
    def approximation(self) -> str:
        """What in the wrapped backbone breaks rotations, in words."""
        return self._backbone.approximation

    def check_elements(self, frames: Frames) -> None:
        """Raise InputError where the wrapped backbone does."""
        self._backbone.check_elements(frames)

    def to(self, device: str) -> None:
        """Compute on this device; what was remembered is of another one, and is forgotten."""
        self._backbone.to(device)
        self._kept.clear()

    def energies_and_forces(self, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the wrapped backbone's, computed anew."""
        return self._backbone.energies_and_forces(frames)

    def stress(self, frames: Frames) -> NDArray[np.float64] | None:
        """Return the wrapped backbone's, computed anew."""
        return self._backbone.stress(frames)

    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the wrapped backbone's answer, computed anew: those who ask turn the frames each time."""
        return self._backbone.respond(frames, layers, edges=edges, forces=forces)

    def features(self, frames: Frames, layer: str) -> Features:
        """Return the features, computed once for the same frames and layer."""
        key = (layer, _digest(frames))
        if key not in self._kept:
            self._keep(key, self._backbone.features(frames, layer))
        features: Features = self._kept[key]
        return features

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the forces, computed once for the same frames."""
        key = ("forces", _digest(frames))
        if key not in self._kept:
            self._keep(key, self._backbone.forces(frames))
        forces: NDArray[np.float64] = self._kept[key]
        return forces

    def _keep(self, key: tuple[str, str], value: Any) -> None:
        self._kept[key] = value
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _digest(frames: Frames) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(frames.numbers).tobytes())
    digest.update(np.ascontiguousarray(frames.positions).tobytes())
    if frames.cells is not None:
        digest.update(np.ascontiguousarray(frames.cells).tobytes() + bytes(frames.pbc))
    return digest.hexdigest()
