"""A small metatomic model that knows the laboratory's axes, made by hand and exported as any metatomic model is."""

# TorchScript reads these annotations, so they are neither text nor of the newer form.
# ruff: noqa: UP006, UP035, UP045
import warnings
from pathlib import Path
from typing import Dict, List, Optional

import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import (
    AtomisticModel,
    ModelCapabilities,
    ModelMetadata,
    ModelOutput,
    NeighborListOptions,
    System,
)

CUTOFF = 3.0


class Pairs(torch.nn.Module):
    """A sum over neighbours of an invariant part, an octupole field, which is l = 3 alone, and a tanh, which has every l.

    With r the vector from an atom to a neighbour, Z the atom's number and f = (1 - (r / 3 Å)^2)^3:
    f / (1 + r^2) + ``octupole`` Z f x y z / r^3 + ``tanh`` Z f tanh(x + y / 2).
    """

    def __init__(self, octupole: float, tanh: float) -> None:
        super().__init__()
        self.octupole = octupole
        self.tanh = tanh
        self.register_buffer("scale", torch.ones(1, dtype=torch.float64))

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        return [NeighborListOptions(cutoff=CUTOFF, full_list=True, strict=True)]

    def forward(
        self, systems: List[System], outputs: Dict[str, ModelOutput], selected_atoms: Optional[Labels]
    ) -> Dict[str, TensorMap]:
        energies: List[torch.Tensor] = []
        for system in systems:
            neighbors = system.get_neighbor_list(system.known_neighbor_lists()[0])
            r = neighbors.values.squeeze(-1)
            number = system.types[neighbors.samples.column("first_atom").long()].to(r.dtype)
            square = (r * r).sum(dim=1)
            fade = (1 - square / 9.0).clamp(min=0.0) ** 3
            energy = fade / (1 + square)
            energy = energy + self.octupole * number * fade * r[:, 0] * r[:, 1] * r[:, 2] / square**1.5
            energy = energy + self.tanh * number * fade * torch.tanh(r[:, 0] + 0.5 * r[:, 1])
            energies.append(energy.sum() * self.scale.to(r.dtype))
        values = torch.stack(energies)
        device = values.device
        block = TensorBlock(
            values=values.reshape(-1, 1),
            samples=Labels("system", torch.arange(len(systems), device=device).reshape(-1, 1)),
            components=[],
            properties=Labels("energy", torch.zeros(1, 1, dtype=torch.int64, device=device)),
        )
        keys = Labels("_", torch.zeros(1, 1, dtype=torch.int64, device=device))
        return {"energy": TensorMap(keys, [block])}


def metatomic_model(octupole: float = 0.02, tanh: float = 0.0, *, dtype: str = "float64") -> AtomisticModel:
    """Return the model for any of the first 30 elements."""
    module = Pairs(octupole, tanh).eval()
    capabilities = ModelCapabilities(
        outputs={"energy": ModelOutput(unit="eV", sample_kind="system")},
        atomic_types=list(range(1, 31)),
        interaction_range=CUTOFF,
        length_unit="angstrom",
        supported_devices=["cpu"],
        dtype=dtype,
    )
    return AtomisticModel(module, ModelMetadata(name="pairs"), capabilities)


def save_metatomic(path: Path, octupole: float = 0.02, tanh: float = 0.0, *, dtype: str = "float64") -> Path:
    """Export the model to a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript, which metatomic is built on
        metatomic_model(octupole, tanh, dtype=dtype).save(str(path))
    return path
