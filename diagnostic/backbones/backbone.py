"""What the diagnostic needs of a trained model: named layers with irreps, and features of frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...theory.errors import InputError
from ..frames.frames import Frames
from .features import Features, Layer

#: How architectures are written.
ARCHITECTURES = {"nequip": "NequIP", "allegro": "Allegro", "mace": "MACE"}


@dataclass(frozen=True)
class BackboneInfo:
    """Where a backbone comes from and how it was made; goes into every result."""

    source: str
    architecture: str
    trained: bool
    sha256: str | None = None
    parameters: int | None = None
    force_mae: float | None = None  # eV/Å on frames held out of its training
    builder: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] | None = None


class Backbone(ABC):
    """A frozen model that gives equivariant per-atom features of frames."""

    info: BackboneInfo
    #: Builds the same architecture with random weights from a seed; None where that cannot be done.
    untrained: Callable[[int], Backbone] | None = None

    @abstractmethod
    def layers(self) -> list[Layer]:
        """Return every interaction layer, in order, with its irreps."""

    @abstractmethod
    def features(self, frames: Frames, layer: str) -> Features:
        """Return the float64 features of ``frames`` at ``layer``."""

    @abstractmethod
    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the model's own forces, ``(frames, atoms, 3)`` in eV/Å."""

    @abstractmethod
    def check_elements(self, frames: Frames) -> None:
        """Raise InputError where the frames hold an element that the model does not know."""

    def to(self, device: str) -> None:
        """Compute on this device from now on, where the adapter can; others stay where they were made."""
        del device

    def choose_layer(self, name: str | None = None) -> Layer:
        """Return the layer called ``name``, or the last one that carries l > 0.

        Raises
        ------
        InputError
            No such layer, or a layer of scalars only (the last interaction layer of NequIP, MACE and Allegro).
        """
        layers = self.layers()
        listing = "; ".join(f"{layer.name}: {layer.irreps}" for layer in layers)
        if name is None:
            usable = [layer for layer in layers if layer.usable]
            if not usable:
                raise InputError(
                    f"no layer of {self.info.source} carries l > 0 ({listing}); give a model with l_max >= 1"
                )
            return usable[-1]
        for layer in layers:
            if layer.name == name:
                if not layer.usable:
                    raise InputError(f"layer {name!r} {layer.why}; tap a layer before it ({listing})")
                return layer
        raise InputError(f"no layer {name!r} in {self.info.source}; it has {listing}")


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
