"""Equivariant features of the central atom of a ring: the real NequIP, or an e3nn tensor product; untrained or trained.

Trained features are trained for this very task: all weights of the network that makes them, together with a polynomial readout
of the centre, by Adam on the field that the readout shall recover.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...numerics.wigner import wigner_d
from ...theory.errors import InputError
from ..backbones.irreps import o3
from ..backbones.nequip_model import (
    NequIPSettings,
    batch,
    build_nequip,
    energy_part,
    graph,
    interaction_layers,
    nequip_session,
)
from ..readouts.polynomial_network import PolynomialNetwork
from .ring import SYMBOLS, Cluster, Vectors, ring_cluster

FeatureKind = Literal["nequip", "e3nn"]

_CUTOFF = 5.0  # Å, further than any two atoms of the cluster are apart
_CHANNELS = 8
_RADIAL = 6

#: An irrep whose features are smaller than this part of the largest ones is zero by symmetry.
_ZERO = 1e-9

_BATCH, _ROTATIONS, _RATE = 256, 2000, 0.01


class _NequIP(torch.nn.Module):
    """NequIP's features after its last interaction layer with l > 0, of the central atom."""

    def __init__(self, cluster: Cluster, l_max: int, seed: int) -> None:
        super().__init__()
        settings = NequIPSettings(
            type_names=SYMBOLS, l_max=l_max, num_layers=3, num_features=_CHANNELS, r_max=_CUTOFF,
            radial_mlp_width=16, avg_num_neighbors=float(len(cluster.kinds) - 1), seed=seed,
        )  # fmt: skip
        self.inner = build_nequip(settings)
        layer = interaction_layers(self.inner)[1]
        self.irreps = str(layer.irreps_out["node_features"])
        self._seen: list[torch.Tensor] = []
        layer.register_forward_hook(
            lambda _module, _inputs, output: self._seen.append(output["node_features"])
        )
        with nequip_session(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._graph = batch([graph(cluster.positions, torch.tensor(cluster.kinds), _CUTOFF)])

    def forward(self) -> torch.Tensor:
        self._seen.clear()
        with nequip_session():
            energy_part(self.inner)(dict(self._graph))
        return self._seen[0][0]


class _TensorProduct(torch.nn.Module):
    """Densities A_l = sum_j R(r_j) Y_l(r_j) of all neighbours and their products A x A -> l <= L, with free weights."""

    def __init__(self, cluster: Cluster, l_max: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def weights(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64))

        around = torch.tensor(cluster.positions[1:])
        distance = around.norm(dim=1)
        kinds = torch.nn.functional.one_hot(torch.tensor(cluster.kinds[1:]), len(SYMBOLS)).to(torch.float64)
        bessel = (
            torch.sin(torch.pi * torch.arange(1, _RADIAL + 1) * distance[:, None] / _CUTOFF)
            / distance[:, None]
        )
        self._radial = (bessel[:, :, None] * kinds[:, None, :]).flatten(1)
        densities = o3.Irreps([(_CHANNELS, (l, (-1) ** l)) for l in range(l_max + 1)])
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)  # e3nn's harmonics and couplings take their precision from it
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch.jit, which e3nn compiles with
                self._harmonics = [
                    o3.spherical_harmonics(l, around, normalize=True, normalization="component")
                    for l in range(l_max + 1)
                ]
                self.product = o3.FullyConnectedTensorProduct(
                    densities, densities, densities, internal_weights=False, shared_weights=True
                )
        finally:
            torch.set_default_dtype(before)
        self.irreps = f"{densities}+{densities}"
        self.mixing = torch.nn.ParameterList(
            [weights(self._radial.shape[1], _CHANNELS) for _ in range(l_max + 1)]
        )
        self.product_weights = weights(self.product.weight_numel)

    def forward(self) -> torch.Tensor:
        parts = [
            torch.einsum("jm,jc->cm", y, self._radial @ w).flatten()
            for y, w in zip(self._harmonics, self.mixing, strict=True)
        ]
        density = torch.cat(parts) / len(self._radial)
        product: torch.Tensor = self.product(density[None], density[None], self.product_weights)[0]
        return torch.cat([density, product])


def _split(values: torch.Tensor, irreps: str) -> list[tuple[int, torch.Tensor]]:
    """Return (l, channels x (2 l + 1)) of every irrep; its parity plays no part under rotations."""
    parsed = o3.Irreps(irreps)
    return [
        (ir.l, values[where].reshape(mul, ir.dim))
        for (mul, ir), where in zip(parsed, parsed.slices(), strict=True)
    ]


def _scales(blocks: list[tuple[int, torch.Tensor]]) -> list[float]:
    """Return one over the size of every irrep, and zero where symmetry leaves nothing but rounding."""
    sizes = [float(block.detach().norm()) for _, block in blocks]
    return [1.0 / size if size > _ZERO * max(sizes) else 0.0 for size in sizes]


def _vectors(blocks: list[tuple[int, torch.Tensor]]) -> Vectors:
    by_degree: dict[int, list[NDArray[np.float64]]] = {}
    for (l, block), scale in zip(blocks, _scales(blocks), strict=True):
        if scale > 0.0:
            by_degree.setdefault(l, []).append(block.detach().numpy() * scale)
    return {l: np.concatenate(parts) for l, parts in by_degree.items()}


@lru_cache(maxsize=32)
def ring_features(
    kind: FeatureKind,
    l_max: int,
    *,
    fold: int = 5,
    breaking: bool = True,
    trained_for: int | None = None,
    steps: int = 150,
    seed: int = 0,
) -> tuple[tuple[int, NDArray[np.float64]], ...]:
    """Return the features of the central atom in the cluster's own frame, for each l.

    Parameters
    ----------
    kind
        "nequip": the package's model of three layers with 8 channels, tapped after the second. "e3nn": densities and their
        tensor product, 8 channels.
    l_max
        L of the features, 1 to 5.
    fold, breaking
        See `ring_cluster`.
    trained_for
        Train the features together with a polynomial readout of this degree; None leaves them as they are drawn.
    steps
        Steps of that training.
    seed
        Of the weights and rotations.

    Returns
    -------
    tuple of (l, vectors)
        Vectors (channels, 2 l + 1), each irrep scaled to size one; what symmetry makes zero is left out.

    Raises
    ------
    InputError
        An unknown kind, or a number out of range.
    """
    if isinstance(l_max, bool) or not isinstance(l_max, int) or not 1 <= l_max <= 5:
        raise InputError(f"l_max of the ring's features is {l_max!r}: give an integer from 1 to 5")
    makers: dict[str, Callable[[Cluster, int, int], _NequIP | _TensorProduct]] = {
        "nequip": _NequIP,
        "e3nn": _TensorProduct,
    }
    if kind not in makers:
        raise InputError(f"features {kind!r} are unknown: give nequip or e3nn")
    cluster = ring_cluster(fold, breaking)
    module = makers[kind](cluster, l_max, seed)
    if trained_for is not None:
        _train(module, cluster, trained_for, steps, seed)
    with torch.no_grad():
        return tuple(sorted(_vectors(_split(module(), module.irreps)).items()))


def _train(module: _NequIP | _TensorProduct, cluster: Cluster, degree: int, steps: int, seed: int) -> None:
    """Train features and readout together: the cluster goes through the network once a step, its orientations are exact."""
    rng = np.random.default_rng([seed, 3])
    rotations = haar_rotations(_ROTATIONS, rng)
    target = torch.tensor(wigner_d(cluster.fold, rotations) @ cluster.target)
    with torch.no_grad():
        blocks = _split(module(), module.irreps)
    scales = _scales(blocks)
    matrices = {l: torch.tensor(wigner_d(l, rotations)) for l, _ in blocks if l > 0}

    def inputs(rows: torch.Tensor) -> torch.Tensor:
        parts = [
            torch.einsum("nij,cj->nci", matrices[l][rows], block * scale).flatten(1)
            for (l, block), scale in zip(_split(module(), module.irreps), scales, strict=True)
            if l > 0 and scale > 0.0
        ]
        return torch.cat(parts, dim=1)

    everything = torch.arange(_ROTATIONS)
    with torch.no_grad():
        start = inputs(everything)
    readout = PolynomialNetwork(start.shape[1], target.shape[1], degree=degree, width=64, seed=seed)
    readout.standardise(start, target)
    parameters = [p for p in module.parameters() if p.requires_grad] + list(readout.parameters())
    optimiser = torch.optim.Adam(parameters, lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        rows = torch.as_tensor(rng.integers(0, _ROTATIONS, _BATCH))
        optimiser.zero_grad()
        loss = (readout(inputs(rows)) - target[rows]).square().sum(dim=1).mean()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
