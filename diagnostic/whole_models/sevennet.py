"""SevenNet up to the inputs of its last linear readout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .graphs import Graphs
from .settings import ModelSettings


def sevennet(settings: ModelSettings, seed: int) -> tuple[torch.nn.Module, Callable[[Graphs], torch.Tensor]]:
    """Build a SevenNet with the package's own builder; return it and what gives its readout's inputs by configuration."""
    from sevenn import _const
    from sevenn.model_build import build_E3_equivariant_model

    config = {
        **_const.DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG,
        "cutoff": settings.cutoff,
        "channel": 2 * settings.channels,  # halved before its last readout
        "lmax": settings.l_max,
        "num_convolution_layer": settings.layers,
        "is_parity": False,
        "_number_of_species": 2,
        "_type_map": {1: 0, 6: 1},
        "conv_denominator": 3.0**0.5,
        "shift": 0.0,
        "scale": 1.0,
    }
    torch.manual_seed(seed)
    model: Any = build_E3_equivariant_model(config).to(torch.float64)
    last = model._modules["reduce_hidden_to_energy"]

    def inputs(graphs: Graphs) -> torch.Tensor:
        vectors = graphs.positions[graphs.edges[0]] - graphs.positions[graphs.edges[1]]
        kept: list[torch.Tensor] = []
        handle = last.register_forward_pre_hook(lambda _module, given: kept.append(given[0]["x"]))
        try:
            data = {
                "x": graphs.types,
                "edge_index": graphs.edges.flip(0),
                "edge_vec": vectors,
                "pos": graphs.positions,
            }
            for name, module in model._modules.items():
                data = module(data)
                if name == "onehot_idx_to_onehot":  # always in float32
                    data = {
                        key: value.double() if value.dtype == torch.float32 else value
                        for key, value in data.items()
                    }
                if name == "reduce_hidden_to_energy":
                    break
        finally:
            handle.remove()
        return graphs.summed(kept[0])

    return model, inputs
