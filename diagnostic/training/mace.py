"""Training a MACE backbone on energies, forces and stress, with the package's own model and loss, by the common trainer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ..backbones.mace_model import graph_batch, mace_session, type_indices
from ..frames.frames import Frames
from .data import with_space
from .errors import stress_error
from .state import Graph, Loss
from .train import Trainer


class MACETrainer(Trainer):
    """A training run of a MACE model; see :class:`spectral_ceilings.diagnostic.training.train.Trainer`.

    The loss is the package's ``WeightedEnergyForcesLoss``: squared errors of the energy per atom and of the force
    components, in mean over the batch; and the mean squared error of the stress where that is trained on.
    """

    @contextmanager
    def session(self) -> Iterator[None]:
        """Enter mace's context, in float32, in which compiled parts of the model round alike from their first call on.

        TorchScript watches the first calls of a function and then runs another order of operations; a training that is taken up
        would watch again, and differ in the last digit.
        """
        with mace_session(torch.float32), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            yield

    def graphs(self, frames: Frames) -> list[Graph]:
        """Return every frame as a graph of its own."""
        names = self.model_settings.type_names
        types = type_indices(frames.numbers, names, "the model")
        energies = np.zeros(len(frames)) if frames.energies is None else frames.energies
        spaced = with_space(frames) if self.data.periodic else frames
        out = []
        for k in range(len(frames)):
            cells = None if spaced.cells is None else spaced.cells[k : k + 1]
            data = graph_batch(
                frames.positions[k : k + 1],
                types,
                len(names),
                self.model_settings.r_max,
                cells=cells,
                pbc=frames.pbc,
            )
            if self.data.periodic and cells is not None:
                data["cell"] = torch.tensor(cells[0], dtype=torch.float32)
            data["forces"] = torch.tensor(frames.forces[k], dtype=torch.float32)
            data["energy"] = torch.tensor(energies[k : k + 1], dtype=torch.float32)
            if self.settings.stress_weight:
                data["stress"] = torch.tensor(self.stress_of(frames)[k : k + 1], dtype=torch.float32)
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

    def predicted(
        self, model: torch.nn.Module, data: Graph, with_stress: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return energies (eV), forces (eV/Å) and, where it is asked for, the stress (eV/Å³) of a batch."""
        out = model(data, compute_stress=with_stress)
        return out["energy"], out["forces"], out["stress"] if with_stress else None

    def loss(self) -> Loss:
        """Return mace's loss of a model on a batch, weighted as the settings say."""
        from mace.modules import WeightedEnergyForcesLoss
        from mace.tools.torch_geometric import Batch

        cfg = self.settings
        of_energy = WeightedEnergyForcesLoss(energy_weight=cfg.energy_weight, forces_weight=0.0).to(
            self.device
        )
        of_forces = WeightedEnergyForcesLoss(energy_weight=0.0, forces_weight=cfg.force_weight).to(
            self.device
        )

        def value(model: torch.nn.Module, data: Graph) -> dict[str, torch.Tensor]:
            ones = torch.ones(len(data["energy"]), device=data["energy"].device)
            reference = Batch(
                energy=data["energy"],
                forces=data["forces"],
                batch=data["batch"],
                ptr=data["ptr"],
                weight=ones,
                energy_weight=ones,
                forces_weight=ones,
            )
            stress = {"compute_stress": True} if cfg.stress_weight else {}
            predicted = model(data, training=True, **stress)
            parts = {"frames": of_energy(reference, predicted), "atoms": of_forces(reference, predicted)}
            if cfg.stress_weight:
                parts["stress"] = cfg.stress_weight * stress_error(predicted, data)
            return parts

        return value
