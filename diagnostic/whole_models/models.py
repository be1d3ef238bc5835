"""Whole models from their own packages, up to the inputs of their last linear readout.

A model's energy is the last linear readout of the sum over sites (atoms, or edges for Allegro) of that readout's inputs. The
readout is given as many outputs as there are terms, as MACE's ``heads`` do; everything below it is the package's own code.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from ...theory.errors import InputError
from ..backbones.allegro_model import AllegroSettings
from ..backbones.mace_model import build_mace, mace_session
from ..backbones.mace_settings import MACESettings
from ..backbones.nequip_model import NequIPSettings, build_nequip, energy_part, nequip_session
from ..backbones.sevennet_model import sevennet_session
from .graphs import Graphs
from .settings import KINDS, ModelSettings

#: Elements of the two types: neighbours, then centres.
ELEMENTS = ("H", "C")
#: Mean number of edges of an atom that normalises sums over neighbours: of the centre of a star.
_NEIGHBOURS = 3.0


def installed(architecture: str) -> bool:
    """Whether the package of an architecture can be imported here; it is not imported."""
    return importlib.util.find_spec(KINDS[architecture].package) is not None


class WholeModel:
    """A model of one of the packages.

    Parameters
    ----------
    settings
        What it was built with.
    module
        The package's model: its parameters are trained.
    inputs
        Gives the inputs of the last linear readout, summed over the sites of each configuration: ``(configurations, columns)``.
    """

    def __init__(
        self, settings: ModelSettings, module: torch.nn.Module, inputs: Callable[[Graphs], torch.Tensor]
    ) -> None:
        self.settings, self.module, self.inputs = settings, module, inputs

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return what is trained, the last readout excepted."""
        return [p for p in self.module.parameters() if p.requires_grad]


@contextmanager
def session(architecture: str) -> Iterator[None]:
    """Work as the package of an architecture wants it, in float64, and give the caller's state back.

    Raises
    ------
    InputError
        The package is not installed.
    """
    if not installed(architecture):
        kind = KINDS[architecture]
        raise InputError(
            f"the package {kind.package!r} is not installed; install the extra: pip install 'spectral-ceilings[{kind.extra}]'"
        )
    with ExitStack() as stack:
        sessions = {"mace": mace_session, "sevenn": sevennet_session}
        stack.enter_context(sessions.get(KINDS[architecture].package, nequip_session)())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # the packages', of torch.jit among others
        yield


def build(settings: ModelSettings, seed: int) -> WholeModel:
    """Build a model in float64 with random weights; call it inside :func:`session`.

    Parameters
    ----------
    settings
        Architecture and size.
    seed
        Of the weights.
    """
    if settings.kind.package == "mace":
        return _mace(settings, seed)
    if settings.architecture == "nequip":
        return _nequip(settings, seed)
    if settings.architecture == "sevennet":
        from .sevennet import sevennet

        module, inputs = sevennet(settings, seed)
        return WholeModel(settings, module, inputs)
    return _allegro(settings, seed)


def _mace(settings: ModelSettings, seed: int) -> WholeModel:
    assert settings.correlation is not None
    model: Any = build_mace(
        MACESettings(
            type_names=ELEMENTS, l_max=0, r_max=settings.cutoff, num_layers=1, avg_num_neighbors=_NEIGHBOURS, seed=seed,
            num_features=settings.channels, max_ell=settings.l_max, correlation=(settings.correlation,), scaled=False,
        )
    )  # fmt: skip
    hidden = None
    if settings.architecture == "mace-silu":
        from e3nn import o3
        from mace.modules.blocks import NonLinearReadoutBlock

        torch.manual_seed(seed)
        width = f"{4 * settings.channels}x0e"
        hidden = NonLinearReadoutBlock(
            o3.Irreps(f"{settings.channels}x0e"), o3.Irreps(width), torch.nn.functional.silu
        )
        model.readouts[0] = hidden

    def inputs(graphs: Graphs) -> torch.Tensor:
        types = torch.nn.functional.one_hot(graphs.types, len(ELEMENTS)).to(torch.float64)
        vectors = graphs.positions[graphs.edges[1]] - graphs.positions[graphs.edges[0]]
        lengths = vectors.norm(dim=-1, keepdim=True)
        radial, cutoff = model.radial_embedding(lengths, types, graphs.edges, model.atomic_numbers)
        atoms, connection = model.interactions[0](
            node_attrs=types, node_feats=model.node_embedding(types), edge_attrs=model.spherical_harmonics(vectors),
            edge_feats=radial, edge_index=graphs.edges, cutoff=cutoff, first_layer=True,
        )  # fmt: skip
        at = None
        if graphs.centres_only:  # the energy of an atom with one edge does not depend on angles: a constant
            at = torch.arange(0, len(types), graphs.atoms)
            atoms, types = atoms[at], types[at]
            connection = None if connection is None else connection[at]
        scalars = model.products[0](node_feats=atoms, sc=connection, node_attrs=types)
        if hidden is not None:
            scalars = hidden.non_linearity(hidden.linear_1(scalars))
        return graphs.summed(scalars, at)

    return WholeModel(settings, model, inputs)


def _data(graphs: Graphs) -> dict[str, torch.Tensor]:
    """Return the graphs in nequip's terms: an edge's first atom is its centre, which receives."""
    return {
        "pos": graphs.positions,
        "edge_index": graphs.edges.flip(0),
        "atom_types": graphs.types,
        "batch": torch.arange(graphs.count).repeat_interleave(graphs.atoms),
        "num_atoms": torch.full((graphs.count,), graphs.atoms),
    }


def _tapped(model: Any, readout: str, graphs: Graphs) -> torch.Tensor:
    """Run nequip's energy model and return what enters the last linear layer of a readout."""
    kept: list[torch.Tensor] = []
    last = [m for m in getattr(model, readout).modules() if type(m).__name__ == "ScalarLinearLayer"][-1]
    handle = last.register_forward_pre_hook(lambda _module, given: kept.append(given[0]))
    try:
        model(_data(graphs))
    finally:
        handle.remove()
    return kept[0]


def _nequip(settings: ModelSettings, seed: int) -> WholeModel:
    module = build_nequip(
        NequIPSettings(
            type_names=ELEMENTS, l_max=settings.l_max, r_max=settings.cutoff, num_layers=settings.layers,
            avg_num_neighbors=_NEIGHBOURS, seed=seed, num_features=settings.channels, parity=False,
        )
    )  # fmt: skip
    model = energy_part(module)
    return WholeModel(settings, model, lambda g: g.summed(_tapped(model, "per_atom_energy_readout", g)))


def _allegro(settings: ModelSettings, seed: int) -> WholeModel:
    from allegro.model import AllegroModel

    linear = settings.architecture == "allegro-linear"
    wide = AllegroSettings(type_names=ELEMENTS, l_max=settings.l_max, r_max=settings.cutoff)
    module: Any = AllegroModel(
        seed=seed,
        model_dtype="float64",
        type_names=list(ELEMENTS),
        r_max=settings.cutoff,
        l_max=settings.l_max,
        parity=False,
        radial_chemical_embed={
            "_target_": "allegro.nn.TwoBodyBesselScalarEmbed",
            "num_bessels": wide.num_bessels,
        },
        scalar_embed_mlp_hidden_layers_width=wide.mlp_width,
        num_layers=settings.layers,
        num_scalar_features=wide.num_scalar_features,
        num_tensor_features=settings.channels,
        allegro_mlp_hidden_layers_depth=0 if linear else 1,
        allegro_mlp_hidden_layers_width=wide.mlp_width,
        allegro_mlp_nonlinearity=None if linear else "silu",
        readout_mlp_hidden_layers_depth=0 if linear else 1,
        readout_mlp_hidden_layers_width=wide.mlp_width,
        readout_mlp_nonlinearity=None if linear else "silu",
        avg_num_neighbors=_NEIGHBOURS,
        per_type_energy_scales=dict.fromkeys(ELEMENTS, 1.0),
        per_type_energy_shifts=dict.fromkeys(ELEMENTS, 0.0),
    )
    model = energy_part(module)
    return WholeModel(settings, model, lambda g: g.summed(_tapped(model, "edge_readout", g), g.edges[1]))
