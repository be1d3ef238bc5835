"""The same fairchem model on another grid, and what rotations cost on it, by l."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch

from ...theory.errors import InputError
from ..frames.frames import Frames
from .equivariance import measure_equivariance
from .fairchem_grid import Grid, grids_of
from .fairchem_model import FairchemBackbone, fairchem_session

#: What acts on the values at the points: the model's SiLU, or a square in its place.
Activation = Literal["silu", "square"]


class _Square(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.square()


@dataclass(frozen=True)
class GridError:
    """How far features of a layer miss rotations on one grid.

    Attributes
    ----------
    grid
        The grid.
    activation
        ``silu`` or ``square``.
    layer
        The layer.
    errors
        Relative error under proper rotations of the features of l = 0, 1, ..., L.
    """

    grid: Grid
    activation: Activation
    layer: str
    errors: tuple[float, ...]

    @property
    def exact(self) -> bool | None:
        """Whether theory makes it exact: known for the square alone."""
        return None if self.activation == "silu" else self.grid.exact >= self.grid.needed(2)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {**self.grid.to_dict(), "activation": self.activation, "layer": self.layer, "errors": list(self.errors),
                "exact": self.exact}  # fmt: skip


def on_grid(
    backbone: FairchemBackbone, resolution: int | None = None, activation: Activation = "silu"
) -> FairchemBackbone:
    """Return a copy of a model whose nonlinearities act on another grid, weights unchanged.

    Parameters
    ----------
    resolution
        Number of polar angles, and of azimuths, as fairchem's ``grid_resolution``: even; None: fairchem's default for its l.
    activation
        ``square`` puts a square for the first SiLU on the grid, and the identity for others, which makes one update a
        polynomial of degree 2 of the features.

    Raises
    ------
    InputError
        There is no grid in the model, or the resolution is odd or too coarse to hold its features.
    """
    if not backbone.grids:
        raise InputError(f"{backbone.info.source} has no grid in it: nothing in it depends on a resolution")
    least = 2 * backbone.layers()[0].l_max + 2
    if resolution is not None and (resolution % 2 or resolution < least):
        raise InputError(f"the resolution is {resolution}, expected an even number of at least {least}")
    with fairchem_session():
        from fairchem.core.models.uma.common.so3 import SO3_Grid
        from fairchem.core.models.uma.nn.activation import S2Activation_M

        hydra, model = copy.deepcopy((backbone.hydra, backbone.module))
        for name, m_max in (("lmax_lmax", model.lmax), ("lmax_mmax", model.mmax)):
            model.SO3_grid[name] = SO3_Grid(model.lmax, m_max, resolution=resolution, rescale=True)
        for block in model.blocks:
            if model.act_type == "s2":
                act = block.edge_wise.act
                act.s2_act = S2Activation_M(model.lmax, model.mmax, model.SO3_grid, model.mappingReduced.to_m)
                if activation == "square":
                    act.s2_act.act = _Square()
            if model.ff_type == "grid" and activation == "square":
                layers = block.atom_wise.grid_mlp
                layers[1], layers[3] = _Square(), torch.nn.Identity()
    builder = {**backbone.info.builder, "grids": [grid.to_dict() for grid in grids_of(model)]}
    info = replace(backbone.info, builder=builder, source=f"{backbone.info.source} on another grid")
    return FairchemBackbone(model, hydra, backbone.conditions, info)


def grid_errors(
    backbone: FairchemBackbone,
    frames: Frames,
    resolutions: Sequence[int | None] = (None, 8, 12, 16, 24, 32),
    *,
    activation: Activation = "silu",
    layer: str = "node_embedding",
    seed: int = 0,
) -> list[GridError]:
    """Measure, by l, how far the features of a layer miss rotations on several grids.

    For a square the error is rounding if and only if the quadrature is exact up to 3 L; for SiLU it falls with the grid and is
    nowhere zero.

    Parameters
    ----------
    frames
        A few frames, Å; each is turned by a Haar-random rotation, the same on every grid.
    resolutions
        As for :func:`on_grid`.
    seed
        Draws the rotations.

    Raises
    ------
    InputError
        As for :func:`on_grid`, or there is no such layer.
    """
    backbone.layer(layer)
    out = []
    for resolution in resolutions:
        model = on_grid(backbone, resolution, activation)
        measured = measure_equivariance(model, frames, [layer], np.random.default_rng([seed, 31]))[layer]
        errors = tuple(entry.rotation or 0.0 for entry in measured.entries)
        out.append(GridError(model.grids[0], activation, layer, errors))
    return out
