"""Coupling tables of layers that multiply features with harmonics: NequIP, SevenNet and Allegro, read off the real layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coupling_table import CouplingTable
from .e3nn_tables import double_precision
from .packages import natural, quiet


def both_parities(l_max: int) -> str:
    """Return every irrep up to `l_max` once: "0e+0o+1e+1o" and so on."""
    return "+".join(f"{l}{parity}" for l in range(l_max + 1) for parity in "eo")


def split_paths(
    variant: str, product: Any, irreps: tuple[str, str], output_l: int
) -> Iterator[CouplingTable]:
    """Yield one table per output irrep of an e3nn ``TensorProduct`` in which each instruction has an output of its own.

    Parameters
    ----------
    variant
        Name of the table.
    product
        The layer's ``TensorProduct``, one copy of each irrep.
    irreps
        Of its two inputs.
    output_l
        Highest l of the outputs wanted.
    """
    import torch

    sizes = product.irreps_in1.dim, product.irreps_in2.dim
    first, second = (torch.eye(size, dtype=torch.float64) for size in sizes)
    weight = torch.ones(1, product.weight_numel, dtype=torch.float64)
    pairs = (
        first[:, None].expand(-1, sizes[1], -1).reshape(-1, sizes[0]),
        second[None].expand(sizes[0], -1, -1).reshape(-1, sizes[1]),
    )
    with torch.no_grad():
        values = product(*pairs, weight.expand(len(pairs[0]), -1)).numpy().reshape(*sizes, -1)
    paths: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    slices = product.irreps_out.slices()
    for instruction in product.instructions:
        irrep = product.irreps_out[instruction.i_out].ir
        paths.setdefault((irrep.l, irrep.p), []).append(values[..., slices[instruction.i_out]])
    yield from tables_of_paths(variant, irreps, paths, output_l)


def tables_of_paths(
    variant: str,
    irreps: tuple[str, str],
    paths: dict[tuple[int, int], list[NDArray[np.float64]]],
    output_l: int,
) -> Iterator[CouplingTable]:
    """Yield one table per output irrep from paths of shape (dim V_1, dim V_2, 2l+1)."""
    for irrep, made in sorted(paths.items(), key=lambda item: (item[0][0], -item[0][1])):
        if irrep[0] <= output_l:
            values = np.moveaxis(np.stack(made, axis=-1), -2, 0)
            yield CouplingTable(variant, irreps, irrep, values, symmetric=False, claims="chains")


def nequip_tables(l_max: int, _correlation: int, output_l: int, _notes: list[str]) -> Iterator[CouplingTable]:
    """Yield what NequIP's ``InteractionBlock`` couples: features of natural and of both parities with harmonics."""
    with quiet():
        from e3nn.o3 import Irreps
        from nequip.data import AtomicDataDict
        from nequip.nn.interaction_block import InteractionBlock
    for top in range(1, l_max + 1):
        for name, features in (
            ("natural parity", natural(top)),
            ("both parities", both_parities(top)),
        ):
            with quiet(), double_precision():
                block = InteractionBlock(
                    irreps_in={
                        AtomicDataDict.EDGE_EMBEDDING_KEY: Irreps("4x0e"),
                        AtomicDataDict.EDGE_ATTRS_KEY: Irreps(natural(top)),
                        AtomicDataDict.NODE_FEATURES_KEY: Irreps(features),
                        AtomicDataDict.NODE_ATTRS_KEY: Irreps("1x0e"),
                    },
                    irreps_out=Irreps(features),
                    avg_num_neighbors=1.0,
                )
            product = block.tp_scatter.tp
            yield from split_paths(f"InteractionBlock, {name}", product, (features, natural(top)), output_l)


def sevennet_tables(
    l_max: int, _correlation: int, output_l: int, _notes: list[str]
) -> Iterator[CouplingTable]:
    """Yield what SevenNet's ``IrrepsConvolution`` couples: features of natural and of both parities with harmonics."""
    with quiet():
        from e3nn.o3 import Irreps
        from sevenn.nn.convolution import IrrepsConvolution
    for top in range(1, l_max + 1):
        for name, features in (
            ("natural parity", natural(top)),
            ("both parities", both_parities(top)),
        ):
            with quiet(), double_precision():
                layer = IrrepsConvolution(
                    Irreps(features),
                    Irreps(natural(top)),
                    Irreps(features),
                    [4],
                    lazy_layer_instantiate=False,
                )
            product = layer.convolution
            yield from split_paths(f"IrrepsConvolution, {name}", product, (features, natural(top)), output_l)


def allegro_tables(
    l_max: int, _correlation: int, output_l: int, _notes: list[str]
) -> Iterator[CouplingTable]:
    """Yield what the three layers of an ``Allegro_Module`` couple; the last one keeps scalars only."""
    with quiet():
        from allegro.nn import Allegro_Module
        from nequip.data import AtomicDataDict
        from nequip.nn import ScalarMLPFunction
    for top in range(1, l_max + 1):
        with quiet(), double_precision():
            module = Allegro_Module(
                num_layers=3,
                num_scalar_features=2,
                num_tensor_features=1,
                tensor_track_allowed_irreps=both_parities(top),
                avg_num_neighbors=1.0,
                latent=ScalarMLPFunction,
                latent_kwargs={"hidden_layers_depth": 1, "hidden_layers_width": 2, "nonlinearity": "silu"},
                irreps_in={
                    AtomicDataDict.EDGE_ATTRS_KEY: natural(top),
                    AtomicDataDict.EDGE_FEATURES_KEY: natural(top),
                    AtomicDataDict.EDGE_EMBEDDING_KEY: "2x0e",
                },
            )
        for number, product in enumerate(module.tps, start=1):
            yield from _contracted(f"Allegro_Module, layer {number} of 3", product, output_l)


def _contracted(variant: str, product: Any, output_l: int) -> Iterator[CouplingTable]:
    """Yield the tables of Allegro's ``Contracter`` from its buffer of 3j symbols."""
    table = product.w3j.numpy().astype(np.float64)
    sizes = product.irreps_in1.dim, product.irreps_in2.dim
    if product.num_paths == 1:
        table = table[None]
    if product.w3j_is_ij_diagonal:
        table = table[:, :, None] * np.eye(sizes[0])[None, :, :, None]
    slices = product.irreps_out.slices()
    paths: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    for path in table:
        reached = np.abs(path).max(axis=(0, 1))
        for (_, irrep), part in zip(product.irreps_out, slices, strict=True):
            if reached[part].any():
                paths.setdefault((irrep.l, irrep.p), []).append(path[..., part])
    first, second = (
        "+".join(str(irrep) for _, irrep in side) for side in (product.irreps_in1, product.irreps_in2)
    )
    yield from tables_of_paths(variant, (first, second), paths, output_l)
