"""What the adapters of whole models share: everything that they give comes out of one pass, ``respond``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..frames.frames import Frames
from ..records.devices import items_at_once, slices
from .backbone import Backbone
from .features import Features, Layer
from .responses import EdgeFilter, Response


class OnePassBackbone(Backbone):
    """A model with energies, forces and a graph within reach; a subclass runs it in ``respond``."""

    @property
    def has_energies(self) -> bool:
        """True."""
        return True

    @property
    def can_filter_edges(self) -> bool:
        """True: edges are dropped from the input of the part that computes the energy."""
        return True

    @abstractmethod
    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the features of several layers (forward hooks on the real modules), energies and forces, in one pass."""

    def features(self, frames: Frames, layer: str) -> Features:
        """Return the features of ``layer`` (a forward hook on the real module)."""
        return self.respond(frames, [layer]).features[layer]

    def energies_and_forces(self, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return total energies ``(frames,)`` in eV and forces ``(frames, atoms, 3)`` in eV/Å."""
        response = self.respond(frames, [], forces=True)
        assert response.energies is not None
        assert response.forces is not None
        return response.energies, response.forces

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the model's own forces, ``(frames, atoms, 3)`` in eV/Å."""
        return self.energies_and_forces(frames)[1]

    def stress(self, frames: Frames) -> NDArray[np.float64] | None:
        """Return the model's own stress, ``(frames, 6)`` in eV/Å³; None where a direction is not periodic."""
        return self.respond(frames, [], forces=True).stress if all(frames.pbc) else None


#: Bytes of an atom with 60 neighbours, 128 channels and l <= 3, in float64: a few arrays of messages.
_ATOM_BYTES = 16e6


def frames_at_once(frames: Frames, device: torch.device, atoms_on_cpu: int) -> Iterator[slice]:
    """Return runs of frames: of so many atoms on the CPU, on a card of as many as its free memory holds."""
    atoms = items_at_once(device, _ATOM_BYTES, atoms_on_cpu)
    return slices(len(frames), max(1, atoms // len(frames.numbers)))


def gathered(
    frames: Frames, layers: Mapping[str, Layer], parts: Mapping[str, Sequence[NDArray[Any]]]
) -> dict[str, Features]:
    """Join what hooks kept of each batch, ``(atoms of the batch, dim)``, into the features of each layer."""
    shape = (len(frames), len(frames.numbers), -1)
    return {
        name: Features.of(np.concatenate(parts[name]).reshape(shape), layer) for name, layer in layers.items()
    }
