"""Training a MACE backbone on energies and forces, with the package's own model and loss, by the common trainer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch

from ..backbones.mace_model import graph_batch, mace_session, type_indices
from ..frames.frames import Frames
from .state import Graph
from .train import Trainer


class MACETrainer(Trainer):
    """A training run of a MACE model; see :class:`spectral_ceilings.diagnostic.training.train.Trainer`.

    The loss is the package's ``WeightedEnergyForcesLoss``: squared errors of the energy per atom and of the force
    components, in mean over the batch.
    """

    def session(self) -> AbstractContextManager[None]:
        """Return mace's context, in float32."""
        return mace_session(torch.float32)

    def graphs(self, frames: Frames) -> list[Graph]:
        """Return every frame as a graph of its own."""
        names = self.model_settings.type_names
        types = type_indices(frames.numbers, names, "the model")
        assert frames.energies is not None
        out = []
        for k in range(len(frames)):
            data = graph_batch(frames.positions[k : k + 1], types, len(names), self.model_settings.r_max)
            data["forces"] = torch.tensor(frames.forces[k], dtype=torch.float32)
            data["energy"] = torch.tensor(frames.energies[k : k + 1], dtype=torch.float32)
            out.append(data)
        return out

    def batch(self, graphs: list[Graph]) -> Graph:
        """Join graphs: every array end to end, indices of atoms and frames counted on."""
        atoms = [len(graph["positions"]) for graph in graphs]
        start = [sum(atoms[:k]) for k in range(len(graphs))]
        joined = {
            name: torch.cat([graph[name] for graph in graphs])
            for name in graphs[0]
            if name not in ("edge_index", "batch", "ptr")
        }
        joined["edge_index"] = torch.cat(
            [graph["edge_index"] + first for graph, first in zip(graphs, start, strict=True)], dim=1
        )
        joined["batch"] = torch.arange(len(graphs)).repeat_interleave(torch.tensor(atoms))
        joined["ptr"] = torch.tensor([*start, sum(atoms)])
        joined["positions"] = joined["positions"].clone()  # the model makes it a leaf that takes a gradient
        return joined

    def loss(self) -> Callable[[torch.nn.Module, Graph], torch.Tensor]:
        """Return mace's loss of a model on a batch, weighted as the settings say."""
        from mace.modules import WeightedEnergyForcesLoss
        from mace.tools.torch_geometric import Batch

        cfg = self.settings
        weighted = WeightedEnergyForcesLoss(energy_weight=cfg.energy_weight, forces_weight=cfg.force_weight)

        def value(model: torch.nn.Module, data: Graph) -> torch.Tensor:
            ones = torch.ones(len(data["energy"]))
            reference = Batch(
                energy=data["energy"],
                forces=data["forces"],
                batch=data["batch"],
                ptr=data["ptr"],
                weight=ones,
                energy_weight=ones,
                forces_weight=ones,
            )
            total: torch.Tensor = weighted(reference, model(data, training=True))
            return total

        return value
