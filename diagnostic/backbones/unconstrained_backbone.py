"""A model without symmetry as a backbone: its features are numbers, of which no symmetry is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ..frames.frames import Frames
from ..records.devices import halving
from .backbone import Backbone, BackboneInfo
from .features import Features, Layer
from .one_pass import frames_at_once
from .unconstrained_files import load_unconstrained
from .unconstrained_graph import graph_forces, graph_rounds, graphs_of, joined
from .unconstrained_model import UnconstrainedNetwork

Array = NDArray[np.float64]
#: Frames of a molecule given to the network at once.
_BATCH = 25


class UnconstrainedBackbone(Backbone):
    """An :class:`~.unconstrained_model.UnconstrainedNetwork`; ``round0``, ``round1``, ... are its layers.

    Parameters
    ----------
    network
        The network.
    info
        Where it comes from.
    """

    def __init__(self, network: UnconstrainedNetwork, info: BackboneInfo) -> None:
        self.network, self.info = network, info
        self.untrained = self._untrained

    def _untrained(self, seed: int) -> Backbone:
        network = UnconstrainedNetwork(replace(self.network.settings, seed=seed))
        network.shift, network.scale, network.shifts = (
            self.network.shift,
            self.network.scale,
            self.network.shifts,
        )
        source = f"{self.info.source} (untrained, seed {seed})"
        return UnconstrainedBackbone(network, replace(self.info, source=source, trained=False, sha256=None))

    def layers(self) -> list[Layer]:
        """Return one layer for each round of messages, without irreps."""
        return [Layer(f"round{k}", "") for k in range(self.network.settings.rounds)]

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that it was trained for."""
        return tuple(chemical_symbols[z] for z in self.network.settings.numbers)

    @property
    def cutoff(self) -> float:
        """Å."""
        return self.network.settings.cutoff

    @property
    def has_energies(self) -> bool:
        """True: it gives energies."""
        return True

    def to(self, device: str) -> None:
        """Compute on this device from now on."""
        self.network.to(device)

    def _batches(self, frames: Frames) -> Iterator[slice]:
        # Boxes are large, and a processor takes them one by one.
        on_cpu = 1 if frames.periodic else _BATCH
        return frames_at_once(frames, self.network.embed.weight.device, on_cpu * len(frames.numbers))

    def features(self, frames: Frames, layer: str) -> Features:
        """Return the features after a round, ``(frames, atoms, width)``."""
        described = self.layer(layer)
        number = self.layers().index(described)

        def run(part: slice) -> torch.Tensor:
            if frames.periodic:
                graph = joined(graphs_of(self.network, frames.select(part)))
                states = graph_rounds(self.network, graph)[number]
                return states.reshape(graph.count, len(frames.numbers), -1)
            return self.network.rounds(*self.network.inputs(frames.positions[part], frames.numbers))[number]

        with torch.no_grad():
            parts = [kept.cpu().numpy() for _, kept in halving(run, self._batches(frames))]
        return Features.of(np.concatenate(parts), described)

    def forces(self, frames: Frames) -> Array:
        """Return minus the gradient of the energy, eV/Å."""
        return self.energies_and_forces(frames)[1]

    def energies_and_forces(self, frames: Frames) -> tuple[Array, Array]:
        """Return energies ``(frames,)``, eV, and forces ``(frames, atoms, 3)``, eV/Å."""

        def run(part: slice) -> tuple[torch.Tensor, torch.Tensor]:
            if frames.periodic:
                energy, force = graph_forces(
                    self.network, joined(graphs_of(self.network, frames.select(part)))
                )
                return energy, force.reshape(len(energy), -1, 3)
            return self.network.forces(*self.network.inputs(frames.positions[part], frames.numbers))

        energies, forces = [], []
        for _, (energy, force) in halving(run, self._batches(frames)):
            energies.append(energy.detach().cpu().numpy())
            forces.append(force.detach().cpu().numpy())
        return np.concatenate(energies), np.concatenate(forces)


def load_unconstrained_backbone(source: str | Path) -> UnconstrainedBackbone:
    """Load a model without symmetry as a backbone in float64.

    Parameters
    ----------
    source
        A shipped name, a ``.safetensors`` file with its ``.json``, or a directory of ``ceilings train``.

    Raises
    ------
    InputError
        A file is missing or damaged.
    """
    network, record = load_unconstrained(source)
    return UnconstrainedBackbone(network, _info(str(source), network, record))


def _info(source: str, network: UnconstrainedNetwork, record: Mapping[str, Any]) -> BackboneInfo:
    training = dict(record.get("training") or {})
    return BackboneInfo(
        Path(source).name, "unconstrained", trained=True, sha256=record["weights_sha256"],
        parameters=sum(p.numel() for p in network.parameters()), force_mae=training.get("force_mae_eV_A"),
        builder=network.settings.to_dict(), training=training or None,
    )  # fmt: skip
