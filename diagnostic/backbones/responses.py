"""All layers, the energy and the forces of a backbone in one pass, on all edges of its graph or on some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from .backbone import Backbone
from .features import Features

#: Takes the edges of a graph, atom indices of one frame, shape (2, edges); returns which to keep, shape (edges,).
EdgeFilter = Callable[[NDArray[np.int64]], NDArray[np.bool_]]

#: Tensors of a model's input that have one entry for each edge, and the axis of the edges, in nequip and in MACE.
_EDGE_TENSORS = {"edge_index": 1, "edge_cell_shift": 0, "shifts": 0, "unit_shifts": 0}


@dataclass(frozen=True)
class Response:
    """What a model makes of some frames.

    Attributes
    ----------
    features
        By layer.
    energies
        Total energies, ``(frames,)`` in eV; None where they were not asked for or the model does not give them.
    forces
        ``(frames, atoms, 3)`` in eV/Å, or None.
    """

    features: dict[str, Features]
    energies: NDArray[np.float64] | None
    forces: NDArray[np.float64] | None


def star(centre: int) -> EdgeFilter:
    """Keep the edges of one atom, in both directions: the star graph of that atom."""

    def keep(edges: NDArray[np.int64]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (edges == centre).any(axis=0)
        return found

    return keep


def respond(
    backbone: Backbone,
    frames: Frames,
    layers: Sequence[str],
    *,
    edges: EdgeFilter | None = None,
    forces: bool = False,
) -> Response:
    """Run a backbone on frames and return the features of several layers, in one pass where its layers can be tapped together.

    Parameters
    ----------
    backbone
        Any backbone; the layers of NequIP are read in one pass, those of others in one pass each.
    frames
        Positions in Å.
    layers
        Names of layers, at least one unless forces are asked for.
    edges
        Which edges of the graph to keep; None: all.
    forces
        Whether to return energies and forces too.

    Raises
    ------
    InputError
        If an edge filter is given and the backbone's graph is not within reach.
    """
    modules: dict[str, torch.nn.Module] = {}
    stages = getattr(backbone, "_layers", None)
    known = backbone.layers()
    if isinstance(stages, list) and [type(m).__name__ for m in stages] == ["ConvNetLayer"] * len(known):
        modules = {one.name: module for one, module in zip(known, stages, strict=True)}
    described = {one.name: one.irreps for one in known}
    kept: dict[str, list[NDArray[np.float64]]] = {name: [] for name in layers}
    energies = found = None
    with ExitStack() as stack:
        if edges is not None:
            stack.enter_context(filtered_edges(backbone, edges, len(frames.numbers)))
        tapped = [name for name in layers if name in modules]
        for name in tapped:

            def keep(_m: Any, _i: Any, output: dict[str, torch.Tensor], name: str = name) -> None:
                kept[name].append(output["node_features"].detach().to(torch.float64).numpy(force=True).copy())

            handle = modules[name].register_forward_hook(keep)
            stack.callback(handle.remove)
        if forces:
            both = getattr(backbone, "energies_and_forces", None)
            if both is not None:
                energies, found = both(frames)
            else:
                found = backbone.forces(frames)
        elif tapped:
            backbone.features(frames, tapped[-1])
    shape = (len(frames), len(frames.numbers), -1)
    features = {
        name: Features(np.concatenate(kept[name]).reshape(shape), described[name], name) for name in tapped
    }
    with ExitStack() as stack:
        if edges is not None:
            stack.enter_context(filtered_edges(backbone, edges, len(frames.numbers)))
        for name in layers:
            if name not in features:
                features[name] = backbone.features(frames, name)
    return Response({name: features[name] for name in layers}, energies, found)


@contextmanager
def filtered_edges(backbone: Backbone, keep: EdgeFilter, atoms: int) -> Iterator[None]:
    """Let the backbone see only some edges of its graph, while the context lasts.

    The edges are dropped from the input of the energy model, before anything is computed from them; the neighbour list
    itself is the model's own.
    """
    module = _energy_module(backbone)

    def drop(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        data = dict(inputs[0])
        index = data["edge_index"]
        mask = torch.from_numpy(keep(index.numpy(force=True) % atoms)).to(index.device)
        for name, axis in _EDGE_TENSORS.items():
            if name in data:
                data[name] = data[name][:, mask] if axis else data[name][mask]
        return (data, *inputs[1:])

    handle = module.register_forward_pre_hook(drop)
    try:
        yield
    finally:
        handle.remove()


def can_filter_edges(backbone: Backbone) -> bool:
    """Whether :func:`filtered_edges` reaches this backbone's graph."""
    try:
        _energy_module(backbone)
    except InputError:
        return False
    return True


def _energy_module(backbone: Backbone) -> torch.nn.Module:
    """Return the module whose first argument holds ``edge_index``, in nequip's layout or MACE's."""
    model: Any = getattr(backbone, "_model", None)
    if isinstance(model, torch.nn.Module):
        inner: Any = getattr(getattr(model, "model", None), "func", None)
        if isinstance(inner, torch.nn.Module):  # nequip: the part below the gradient of the forces
            return inner
        if "MACE" in type(model).__name__:
            return model
    raise InputError(
        f"the edges of {backbone.info.source} are not within reach, so that no star graph can be made; measure the full graph"
    )
