"""A backbone of every adapter, small and with random weights, and a plain one of pair densities."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from ase.build import molecule
from e3nn import o3
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import (
    Backbone,
    BackboneInfo,
    Features,
    Frames,
    Layer,
    from_callable,
    from_e3nn,
    from_module,
)
from spectral_ceilings.diagnostic.backbones.e3nn_model import energy_forces, one_hot_inputs
from spectral_ceilings.diagnostic.backbones.responses import EdgeFilter, Response
from spectral_ceilings.numerics import real_harmonics
from spectral_ceilings.paper_checks.remember import Remembering

ELEMENTS = ("H", "C", "O")


def ethanol(frames: int = 3, seed: int = 0) -> Frames:
    atoms = molecule("CH3CH2OH")
    rng = np.random.default_rng(seed)
    positions = atoms.get_positions() + 0.1 * rng.normal(size=(frames, len(atoms), 3))
    return Frames(np.array(atoms.numbers), positions, 0 * positions, None, "ethanol", "0" * 64, "eV")


class Pairs(Backbone):
    """Densities of the neighbours within 4 Å, and a pair potential exp(-r) (1 - r/4)^3 with its exact forces."""

    radius = 4.0

    def __init__(self, seed: int | None = None) -> None:
        self.info = BackboneInfo("pairs", "toy", trained=seed is None)
        self.scale = 1.0 if seed is None else 0.5 + 0.1 * seed
        if seed is None:
            self.untrained = type(self)

    def layers(self) -> list[Layer]:
        return [Layer("first", "1x0e+1x1o+1x2e"), Layer("second", "2x1o")]

    @property
    def elements(self) -> tuple[str, ...]:
        return ELEMENTS

    @property
    def cutoff(self) -> float:
        return 4.0

    @property
    def has_energies(self) -> bool:
        return True

    @property
    def can_filter_edges(self) -> bool:
        return True

    def pairs(
        self, frames: Frames, edges: EdgeFilter | None = None
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Vectors i -> j, distances, and weights (n, i, j), 0 beyond the cutoff and where an edge is dropped."""
        d = frames.positions[:, None] - frames.positions[:, :, None]
        r = np.linalg.norm(d, axis=-1)
        near = (r < self.radius) & (r > 0)
        if edges is not None:
            for k in range(len(frames)):
                index = np.array(np.nonzero(near[k]))
                kept = edges(index)
                near[k] = False
                near[k][tuple(index[:, kept])] = True
        fade = np.where(near, np.clip(1 - r / self.radius, 0, 1) ** 3, 0.0)
        return d, np.where(r > 0, r, 1.0), fade

    def parts(self, frames: Frames, edges: EdgeFilter | None = None) -> dict[str, NDArray[Any]]:
        d, r, fade = self.pairs(frames, edges)
        unit = np.where((fade > 0)[..., None], d, np.array([0.0, 1.0, 0.0]))
        y = real_harmonics(2, unit.reshape(-1, 3)).reshape(*fade.shape, 9)
        w = fade * np.exp(-self.scale * r) * frames.numbers[None, None, :]
        first = np.einsum("nij,nijm->nim", w, y)
        second = np.concatenate([first[..., 1:4], first[..., :1] * first[..., 1:4]], axis=-1)
        return {"first": first, "second": second}

    def features(self, frames: Frames, layer: str) -> Features:
        described = self.layer(layer)
        return Features(self.parts(frames)[layer], described.irreps, layer)

    def energies_and_forces(self, frames: Frames) -> tuple[NDArray[Any], NDArray[Any]]:
        d, r, fade = self.pairs(frames)
        pair = np.exp(-r) * fade
        slope = np.where(
            fade > 0,
            -np.exp(-r) * fade - 3 * np.exp(-r) * np.clip(1 - r / self.radius, 0, 1) ** 2 / self.radius,
            0,
        )
        # each pair stands twice in the sum, which the half undoes; d is r_j - r_i, so that force on i is + slope d / r
        return 0.5 * pair.sum(axis=(1, 2)), np.einsum("nij,nijk->nik", slope / r, d)

    def forces(self, frames: Frames) -> NDArray[Any]:
        return self.energies_and_forces(frames)[1]

    def respond(
        self, frames: Frames, layers: Any, *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        parts = self.parts(frames, edges)
        energies, own = self.energies_and_forces(frames) if forces else (None, None)
        features = {name: Features(parts[name], self.layer(name).irreps, name) for name in layers}
        return Response(features, energies, own)


def nequip() -> Backbone:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    from spectral_ceilings.diagnostic.backbones.architecture import architecture
    from spectral_ceilings.diagnostic.backbones.checkpoint import fresh

    kind = architecture("nequip")
    settings = kind.settings(ELEMENTS, l_max=2, num_features=3, avg_num_neighbors=8.0)  # type: ignore[call-arg]
    backbone = fresh(kind, settings, "nequip", 0)
    backbone.untrained = lambda seed: fresh(kind, settings, "nequip", seed)
    return backbone


def allegro() -> Backbone:
    pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")
    from spectral_ceilings.diagnostic.backbones.architecture import architecture
    from spectral_ceilings.diagnostic.backbones.checkpoint import fresh

    kind = architecture("allegro")
    settings = kind.settings(
        ELEMENTS, num_layers=2, num_features=3, num_scalar_features=4, avg_num_neighbors=8.0
    )  # type: ignore[call-arg]
    backbone = fresh(kind, settings, "allegro", 0)
    backbone.untrained = lambda seed: fresh(kind, settings, "allegro", seed)
    return backbone


def with_messages(network: torch.nn.Module) -> torch.nn.Module:
    """Give every convolution a part in its output: e3nn begins with none, so that energies would not depend on positions."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "alpha" in name:
                parameter.add_(0.5)
    return network


def e3nn_network(seed: int = 0) -> torch.nn.Module:
    from e3nn.nn.models.v2106.gate_points_networks import SimpleNetwork

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(seed)
        made = SimpleNetwork("3x0e", "0e", max_radius=4.0, num_neighbors=6.0, num_nodes=9.0, mul=3, layers=2)
        return with_messages(made)
    finally:
        torch.set_default_dtype(before)


def e3nn() -> Backbone:
    network = e3nn_network()

    def energies(frames: Frames) -> NDArray[Any]:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            with torch.no_grad():
                return network(one_hot_inputs(ELEMENTS)(frames)).numpy().reshape(-1)
        finally:
            torch.set_default_dtype(before)

    forces = energy_forces(network, ELEMENTS)
    return from_e3nn(network, ELEMENTS, forces=forces, energies=energies, untrained=e3nn_network)


class Mixed(torch.nn.Module):
    """Densities from the outside, mixed by two equivariant linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            o3.Linear("1x0e+1x1o+1x2e", "2x0e+2x1o+2x2e"),
            o3.Linear("2x0e+2x1o+2x2e", "2x1o"),
        )

    def forward(self, densities: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(densities))


def hooked_module() -> Backbone:
    pairs = Pairs()

    def inputs(frames: Frames) -> torch.Tensor:
        return torch.tensor(pairs.parts(frames)["first"])

    torch.manual_seed(0)
    return from_module(
        Mixed(), ["first", "second"], ["2x0e+2x1o+2x2e", "2x1o"], inputs=inputs, forces=pairs.forces,
        energies=lambda frames: pairs.energies_and_forces(frames)[0], elements=ELEMENTS, cutoff=4.0, untrained=_mixed,
    )  # fmt: skip


def _mixed(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return Mixed()


def hooked_function() -> Backbone:
    pairs = Pairs()

    def twin(seed: int) -> Callable[[Frames], Any]:
        return lambda frames: Pairs(seed).parts(frames)["first"]

    return from_callable(
        lambda frames: pairs.parts(frames)["first"], "1x0e+1x1o+1x2e", forces=pairs.forces,
        energies=lambda frames: pairs.energies_and_forces(frames)[0], elements=ELEMENTS, cutoff=4.0, untrained=twin,
    )  # fmt: skip


def remembering() -> Backbone:
    return Remembering(Pairs())
