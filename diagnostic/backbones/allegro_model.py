"""Allegro models from the real ``nequip-allegro`` package: build, describe, tap.

Allegro keeps its features on pairs of atoms, in a scalar and a tensor track. What an atom has is what its pairs have
together: h_i = sum over the edges ij of its neighbourhood of (scalars_ij, tensors_ij), layer by layer. A sum of
equivariant features is equivariant, so the ceiling of a readout of h_i is that of its l_max.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from ...theory.errors import InputError
from .architecture import Architecture, BuilderSettings
from .backbone import BackboneInfo
from .features import Layer
from .irreps import o3
from .nequip_model import NequIPBackbone, energy_part, nequip_session
from .scalar_pathway_places import add_scalar_pathway, allegro_places

#: Name of the class that holds Allegro's layers.
MODULE = "Allegro_Module"


@dataclass(frozen=True)
class AllegroSettings(BuilderSettings):
    """Arguments of the Allegro builder; every one of them is stored beside the weights.

    The tensor track has ``num_features`` channels of each irrep, the scalar track ``num_scalar_features``; all
    hidden layers are ``mlp_width`` wide.
    """

    num_features: int = 16
    num_scalar_features: int = 32
    mlp_width: int = 64
    num_bessels: int = 8
    parity: bool = True

    @staticmethod
    def _counts() -> tuple[tuple[str, int], ...]:
        return (("num_features", 1), ("num_scalar_features", 1), ("mlp_width", 1), ("num_bessels", 1))


def build_allegro(settings: AllegroSettings, dtype: str = "float64") -> torch.nn.Module:
    """Build an untrained Allegro model with the package's own builder; dtype as for NequIP."""
    with nequip_session(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from allegro.model import AllegroModel
        except ImportError as error:
            raise InputError(
                "the package 'nequip-allegro' is not installed; install the extra: pip install 'spectral-ceilings[allegro]'"
            ) from error
        model: torch.nn.Module = AllegroModel(
            seed=settings.seed,
            model_dtype=dtype,
            type_names=list(settings.type_names),
            r_max=settings.r_max,
            l_max=settings.l_max,
            parity=settings.parity,
            radial_chemical_embed={
                "_target_": "allegro.nn.TwoBodyBesselScalarEmbed",
                "num_bessels": settings.num_bessels,
            },
            scalar_embed_mlp_hidden_layers_width=settings.mlp_width,
            num_layers=settings.num_layers,
            num_scalar_features=settings.num_scalar_features,
            num_tensor_features=settings.num_features,
            allegro_mlp_hidden_layers_width=settings.mlp_width,
            readout_mlp_hidden_layers_width=settings.mlp_width,
            avg_num_neighbors=settings.avg_num_neighbors,
            per_type_energy_scales=dict.fromkeys(settings.type_names, settings.energy_scale),
            per_type_energy_shifts=settings.shift_by_type,
        )
        if settings.scalar_pathway:
            add_scalar_pathway(model, allegro_places(energy_part(model)), settings, dtype)
    return model


class AllegroBackbone(NequIPBackbone):
    """An Allegro model as a source of features: what its pairs carry, summed over the pairs of each centre atom."""

    def __init__(self, model: torch.nn.Module, *arguments: Any, **options: Any) -> None:
        super().__init__(model, *arguments, **options)
        self._module: Any = next(m for m in model.modules() if type(m).__name__ == MODULE)

    def layers(self) -> list[Layer]:
        """Return the layers ``layer0``, ``layer1``, ...: scalar track, then tensor track."""
        scalars = o3.Irreps([(int(self._module.num_scalar_features), (0, 1))])
        return [
            Layer(f"layer{k}", str((scalars + self._tensors(k)).simplify()).replace(" ", ""))
            for k in range(len(self._module.tps))
        ]

    def _tensors(self, number: int) -> Any:
        channels = int(self._module.num_tensor_features)
        irreps = o3.Irreps(str(self._module.tps[number].irreps_out))  # a packaged model has its own e3nn
        return o3.Irreps([(channels, ir) for _, ir in irreps])

    @contextmanager
    def _tap(self, number: int) -> Iterator[Callable[[], torch.Tensor]]:
        kept: dict[str, torch.Tensor] = {}

        def keep(name: str) -> Callable[..., None]:
            def hook(_module: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> None:
                kept[name] = output.detach()

            return hook

        def centres(_module: torch.nn.Module, inputs: Any) -> None:
            kept["centre"] = inputs[0]["edge_index"][0]
            kept["atoms"] = inputs[0]["pos"]

        handles = [
            self._module.register_forward_pre_hook(centres),
            self._module.latents[number].register_forward_hook(keep("scalars")),
            self._module.tps[number].register_forward_hook(keep("tensors")),
        ]
        try:
            yield lambda: self._on_atoms(number, kept)
        finally:
            for handle in handles:
                handle.remove()

    def _on_atoms(self, number: int, kept: dict[str, torch.Tensor]) -> torch.Tensor:
        tensors = kept["tensors"]  # (edges, channels, m of all irreps): e3nn's order has the irreps outside
        irreps = self._module.tps[number].irreps_out
        where = o3.Irreps(str(irreps)).slices()
        count = int(self._module.num_scalar_features)
        pairs = torch.cat(
            [kept["scalars"][:, :count], *(tensors[:, :, column].flatten(1) for column in where)], dim=1
        )
        out = torch.zeros(len(kept["atoms"]), pairs.shape[1], dtype=torch.float64, device=pairs.device)
        return out.index_add_(0, kept["centre"], pairs.to(torch.float64))


def _wrap(model: torch.nn.Module, settings: AllegroSettings, info: BackboneInfo) -> AllegroBackbone:
    return AllegroBackbone(model, settings.type_names, settings.r_max, info)


ARCHITECTURE = Architecture(
    "allegro", AllegroSettings, build_allegro, _wrap, ("nequip", "nequip-allegro", "torch", "e3nn", "numpy")
)
