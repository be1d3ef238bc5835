"""A complete adapter in NumPy: densities of the neighbours, a pair potential with exact forces, an edge filter, a twin."""

from typing import Any

import numpy as np
from ase.build import molecule
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import Backbone, BackboneInfo, Features, Frames, Layer
from spectral_ceilings.diagnostic.backbones.responses import EdgeFilter, Response
from spectral_ceilings.numerics import real_harmonics

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
