r"""Where the modules of the scalar pathway act in NequIP, MACE and Allegro; the packages' own modules stay as they are.

The modules hang beside the network, under ``scalar_pathway``, and act through forward hooks of the packages' modules: all other
weights keep their names and values. Let x = r / r_c, e the radial features of an edge, and m an edge's message.

============  ==========================================================================================================
``pgs-edge``  e -> e' after the Bessel functions with their cutoff (NequIP: after the factor on them). All that reads radial
              features reads e'.
``pan``       m(0e) -> a_ij m(0e) between tensor product and sum over neighbours. NequIP: after the product in
              ``tp_scatter``; MACE: after ``conv_tp``. Allegro has no tensor product before its sum: there m is what every
              pair gives to the sum over the neighbours of its centre, harmonics times learned weights, in every layer;
              tensors of the pairs themselves are not summed, and not gated.
``pgs-readout``  scalars -> mixed scalars, on their way into a readout. NequIP: those of the last layer. MACE: the 0e
              of every layer that has a readout, for that readout only. Allegro: the scalars of a pair, of all layers.
============  ==========================================================================================================

Where a tensor has other entries than 0e, they pass bit for bit. That is at each place, for the same inputs; further on, scalars
weigh tensors with l > 0 as they always do, and these have other values, of the same l and parity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch

from ...theory.errors import InputError
from .scalar_pathway import PAN, PATHWAYS, PGSEdge, PGSReadout, PlainResidual, ScalarModule, hidden_units

#: Sets the draws of these modules apart from every other use of the seed.
_STREAM = 1_606


def checked_pathway(names: Any, control: bool) -> tuple[str, ...]:
    """Return names of modules, each once and in the order of ``PATHWAYS``.

    Raises
    ------
    InputError
        A name is unknown; ``control`` without a module that it is the control of.
    """
    given = (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        if name not in PATHWAYS:
            raise InputError(
                f"scalar_pathway names {name!r}, expected some of {', '.join(PATHWAYS)}; take another name"
            )
    if control and not given:
        raise InputError(
            "scalar_pathway_control is the control of the modules in scalar_pathway, and it names none; name some of "
            f"{', '.join(PATHWAYS)}"
        )
    return tuple(name for name in PATHWAYS if name in given)


class Wanted(Protocol):
    """What builder settings say of the scalar pathway."""

    @property
    def scalar_pathway(self) -> tuple[str, ...]: ...  # noqa: D102 - of PATHWAYS
    @property
    def scalar_pathway_control(self) -> bool: ...  # noqa: D102 - plain residuals instead
    @property
    def seed(self) -> int: ...  # noqa: D102 - draws the weights


class Edges:
    """Radial features ``(edges, radial)``, r / r_c ``(edges, 1)`` and the layer of the graph that the network is computing."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Let go of them."""
        self.radial = self.distance = torch.empty(0)
        self.layer = 0


@dataclass(frozen=True)
class Place:
    """A place of a network where a module of the scalar pathway can act.

    Attributes
    ----------
    kind
        Which module.
    channels
        Scalars there.
    radial
        Radial features of an edge.
    attach
        Makes a module act there.
    """

    kind: str
    channels: int
    radial: int
    attach: Callable[[ScalarModule], None]

    def module(self, rng: np.random.Generator) -> torch.nn.Module:
        """Return the module of this kind, fresh."""
        if self.kind == "pan":
            return PAN(self.radial, rng)
        return PGSEdge(self.radial, rng) if self.kind == "pgs-edge" else PGSReadout(self.channels, rng)


class ScalarPathway(torch.nn.ModuleDict):
    """The modules of a network's scalar pathway.

    Attributes
    ----------
    parameters_of_modules
        Parameters of the modules that were named. The control has about as many, see :func:`.scalar_pathway.hidden_units`.
    """

    parameters_of_modules: int = 0


def add_scalar_pathway(model: torch.nn.Module, places: Sequence[Place], settings: Wanted, dtype: str) -> None:
    """Build the named modules, or their control, and make them act in a model; its weights stay as they are.

    Parameters
    ----------
    model
        Any network; it gets the modules as ``scalar_pathway``.
    places
        Its places; those of ``pgs-edge`` come first.
    settings
        Names the kinds of modules, or says that their control is wanted; its ``seed`` draws the weights, apart from the model's.
    dtype
        ``float32`` or ``float64``; the numbers drawn are the same.
    """
    wanted, seed = [place for place in places if place.kind in settings.scalar_pathway], settings.seed
    default = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        modules = [place.module(np.random.default_rng([seed, _STREAM, k])) for k, place in enumerate(wanted)]
        counts = [sum(p.numel() for p in module.parameters()) for module in modules]
        if settings.scalar_pathway_control:
            units = hidden_units(counts, [place.channels for place in wanted])
            modules = [
                PlainResidual(place.channels, hidden, np.random.default_rng([seed, _STREAM, k]))
                for k, (place, hidden) in enumerate(zip(wanted, units, strict=True))
            ]
    finally:
        torch.set_default_dtype(default)
    pathway = ScalarPathway()
    for k, (place, module) in enumerate(zip(wanted, modules, strict=True)):
        pathway[f"{place.kind}_{k}"] = module
        place.attach(module)
    pathway.parameters_of_modules = sum(counts)
    model.add_module("scalar_pathway", pathway)


def pathway_of(model: torch.nn.Module) -> ScalarPathway | None:
    """Return the modules of a model's scalar pathway; None where it has none."""
    pathway = getattr(model, "scalar_pathway", None)
    return pathway if isinstance(pathway, ScalarPathway) else None


def _even(irreps: Any) -> slice:
    """Return where the scalars 0e stand in a tensor of these irreps, which are sorted."""
    columns = [part for part, (_, ir) in zip(irreps.slices(), irreps, strict=True) if (ir.l, ir.p) == (0, 1)]
    if not columns or any(left.stop != right.start for left, right in pairwise(columns)):
        raise InputError(f"the irreps {irreps} have no scalars 0e side by side, expected them to")
    return slice(columns[0].start, columns[-1].stop)


def _size(columns: slice) -> int:
    return int(columns.stop - columns.start)


def _replaced(
    tensor: torch.Tensor, columns: slice, act: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Return ``(rows, dim)`` with some columns put through ``act``, and all others as they are."""
    scalars = act(tensor[..., columns])
    if _size(columns) == tensor.shape[-1]:
        return scalars
    return torch.cat([tensor[..., : columns.start], scalars, tensor[..., columns.stop :]], dim=-1)


def _on_message(
    module: ScalarModule, edges: Edges, columns: slice, _product: Any, _inputs: Any, message: torch.Tensor
) -> torch.Tensor:
    """Hook of a tensor product: act on the scalars of its messages."""
    return _replaced(message, columns, lambda scalars: module(scalars, edges.radial, edges.distance))


def _clear(edges: Edges, *_of_hook: Any) -> None:
    edges.clear()


# NequIP: graphs are dictionaries, and modules write into them.


def nequip_places(part: Any, layers: Sequence[Any]) -> list[Place]:
    """Return the places of a NequIP model.

    Parameters
    ----------
    part
        The sequence that computes its energy.
    layers
        Its interaction layers.
    """
    edges, radial = Edges(), int(part.bessel_encode.num_bessels)
    readout = part.per_atom_energy_readout
    scalars = readout.irreps_in["node_features"].dim
    places = [
        Place(
            "pgs-edge", radial, radial,
            lambda module: part.factor.register_forward_hook(partial(_on_radial_graph, module)),
        ),
        *(_nequip_message(layer.conv, radial, edges) for layer in layers),
        Place(
            "pgs-readout", scalars, radial,
            lambda module: readout.register_forward_pre_hook(partial(_before_readout, module, "node_features")),
        ),
    ]  # fmt: skip
    return places


def _nequip_message(convolution: Any, radial: int, edges: Edges) -> Place:
    product = convolution.tp_scatter.tp
    columns = _even(product.irreps_out)

    def attach(module: ScalarModule) -> None:
        convolution.register_forward_pre_hook(partial(_keep_edges, edges, "edge_embedding"))
        product.register_forward_hook(partial(_on_message, module, edges, columns))
        convolution.register_forward_hook(partial(_clear, edges))

    return Place("pan", _size(columns), radial, attach)


def _keep_edges(edges: Edges, key: str, _module: Any, inputs: Any) -> None:
    """Hook before a module: keep radial features and distances of its graph."""
    edges.radial = inputs[0][key]
    edges.distance = inputs[0]["normed_edge_lengths"].to(edges.radial.dtype)


def _on_radial_graph(module: ScalarModule, _encoding: Any, _inputs: Any, data: Any) -> Any:
    radial = data["edge_embedding"]
    distance = data["normed_edge_lengths"].to(radial.dtype)
    return {**data, "edge_embedding": module(radial, radial, distance)}


def _before_readout(module: ScalarModule, key: str, _readout: Any, inputs: Any) -> Any:
    (data,) = inputs
    nothing = data[key][:0]
    return ({**data, key: module(data[key], nothing, nothing)},)


# Allegro: features on pairs of atoms, channels before components.


def allegro_places(part: Any) -> list[Place]:
    """Return the places of an Allegro model, whose energy is computed by ``part``."""
    edges, track, readout = Edges(), part.allegro, part.edge_readout
    encoding = part.radial_chemical_embed.bessel_encode
    radial = int(encoding.num_bessels)
    channels = int(track.num_tensor_features)
    scalars = readout.irreps_in["edge_features"].dim
    sent: list[ScalarModule] = []

    def attach(module: ScalarModule) -> None:
        if not sent:  # one weighter serves all layers, in their order
            encoding.register_forward_hook(partial(_keep_encoded, edges))
            track.register_forward_pre_hook(partial(_start_layers, edges))
            track._env_weighter.register_forward_hook(partial(_on_pair, sent, edges))
            track.register_forward_hook(partial(_clear, edges))
        sent.append(module)

    return [
        Place(
            "pgs-edge", radial, radial,
            lambda module: encoding.register_forward_hook(partial(_on_radial_graph, module)),
        ),
        *(Place("pan", channels, radial, attach) for _ in track.tps),
        Place(
            "pgs-readout", scalars, radial,
            lambda module: readout.register_forward_pre_hook(partial(_before_readout, module, "edge_features")),
        ),
    ]  # fmt: skip


def _keep_encoded(edges: Edges, _encoding: Any, _inputs: Any, data: Any) -> None:
    _keep_edges(edges, "edge_embedding", None, (data,))


def _start_layers(edges: Edges, _track: Any, _inputs: Any) -> None:
    edges.layer = 0


def _on_pair(
    sent: Sequence[ScalarModule], edges: Edges, _weighter: Any, _inputs: Any, message: torch.Tensor
) -> torch.Tensor:
    """Hook of what weighs the harmonics of pairs ``(edges, channels, components)``: act on l = 0, the first component."""
    module = sent[edges.layer]
    edges.layer += 1
    scalars = module(message[..., 0], edges.radial, edges.distance)
    return torch.cat([scalars[..., None], message[..., 1:]], dim=-1)


# MACE


def mace_places(model: Any) -> list[Place]:
    """Return the places of a MACE model."""
    edges, encoding = Edges(), model.radial_embedding
    radial, cutoff = int(encoding.out_dim), float(model.r_max)
    places = [
        Place(
            "pgs-edge", radial, radial,
            lambda module: encoding.register_forward_hook(partial(_on_radial, module, cutoff)),
        ),
        *(_mace_message(model, k, radial, cutoff, edges) for k in range(len(model.interactions))),
    ]  # fmt: skip
    count = len(model.readouts)
    for readout, product in zip(model.readouts, list(model.products)[-count:], strict=True):
        columns = _even(product.linear.irreps_out)
        places.append(
            Place("pgs-readout", _size(columns), radial, partial(_attach_readout, readout, columns))
        )
    return places


def _mace_message(model: Any, number: int, radial: int, cutoff: float, edges: Edges) -> Place:
    product = model.interactions[number].conv_tp
    columns = _even(product.irreps_out)

    def attach(module: ScalarModule) -> None:
        if number == 0:
            model.radial_embedding.register_forward_hook(partial(_keep_radial, edges, cutoff))
            model.interactions[-1].register_forward_hook(partial(_clear, edges))
        product.register_forward_hook(partial(_on_message, module, edges, columns))

    return Place("pan", _size(columns), radial, attach)


def _on_radial(module: ScalarModule, cutoff: float, _encoding: Any, inputs: Any, output: Any) -> Any:
    radial, factor = output
    return module(radial, radial, inputs[0] / cutoff), factor


def _keep_radial(edges: Edges, cutoff: float, _encoding: Any, inputs: Any, output: Any) -> None:
    edges.radial, edges.distance = output[0], inputs[0] / cutoff


def _attach_readout(readout: Any, columns: slice, module: ScalarModule) -> None:
    readout.register_forward_pre_hook(partial(_on_readout_input, module, columns))


def _on_readout_input(module: ScalarModule, columns: slice, _readout: Any, inputs: Any) -> Any:
    features, *more = inputs
    nothing = features[:0]
    return (_replaced(features, columns, lambda scalars: module(scalars, nothing, nothing)), *more)
